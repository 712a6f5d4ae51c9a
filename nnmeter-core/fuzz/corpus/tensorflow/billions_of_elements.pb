
S
xPlaceholder*A
shape8:6€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€

rRelux

mmMatMulxx