
%
xPlaceholder*
shape
:

aRelux:65535