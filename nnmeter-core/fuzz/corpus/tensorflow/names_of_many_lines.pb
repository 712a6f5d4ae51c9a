

a
b[0mReluc
d