

xPlaceholder
+
wConst*
valueB
g
cConv2Dxw*
paddingSAME*
data_formatNHWC*
strides
*
	dilations
