

vVarHandleOp