
6
xPlaceholder*$
shape:ÿÿÿÿÿÿÿÿÿ
+
wConst*
valueB

w/readIdentityw
v
convConv2Dxw/read^init*
paddingSAME*
data_formatNHWC*
strides
*
	dilations


initNoOp

bConst*
va