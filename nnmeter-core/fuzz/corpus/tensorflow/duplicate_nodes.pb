
%
xPlaceholder*
shape
:
%
xPlaceholder*
shape
: