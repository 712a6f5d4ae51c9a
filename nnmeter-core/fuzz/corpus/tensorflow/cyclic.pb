
%
xPlaceholder*
shape
:

aAddxb

bRelua