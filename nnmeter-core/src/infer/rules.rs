//! Which shape rule an operator has.

use super::site::{Rule, Site, Stop, Types, one, typed};
use crate::op::{Norm, Op, Reshape, Unary};
use crate::tensor::{DType, TensorType, show_dims};

impl Site<'_> {
    /// The types of the node's outputs by its operator's rule.
    pub(super) fn rule(&self) -> Rule<Types> {
        let node = self.node();
        let ty = match &node.op {
            Op::Input(dtype, dims) => self.input(*dtype, dims.as_deref()),
            Op::Const(constant) => Ok(constant.ty.clone()),
            Op::Conv(conv) => self.conv(conv),
            Op::Pool(pool) => self.pool(pool),
            Op::GlobalPool(_, layout) => self.global_pool(*layout),
            Op::MatMul { transpose_a, transpose_b } => self.matmul(*transpose_a, *transpose_b),
            Op::Norm(norm) => self.norm(*norm),
            Op::Unary(unary) => self.unary(unary),
            Op::Binary(binary) => self.binary(*binary),
            Op::Where => self.choice(),
            Op::Reduce { keep_dims, .. } => self.reduce(*keep_dims),
            Op::ArgReduce { axis, keep_dims } => self.arg_reduce(*axis, *keep_dims),
            Op::Softmax { axis, .. } => self.along(*axis),
            Op::Concat { axis } => self.concat(*axis),
            Op::Stack { axis } => self.stack(*axis),
            Op::Split { axis } => return self.split(*axis),
            Op::Slice => self.slice(),
            Op::StridedSlice(masks) => self.strided_slice(*masks),
            Op::Gather { axis } => self.gather(*axis),
            Op::Reshape(reshape) => self.reshape_as(*reshape),
            Op::Transpose(permutation) => self.transpose(permutation.as_deref()),
            Op::Expand => self.expand(),
            Op::Tile => self.tile(),
            Op::Pad => self.pad(),
            Op::Resize(_) => self.resize(),
            Op::DepthToSpace(block, layout) => self.depth_to_space(*block, *layout),
            Op::SpaceToDepth(block, layout) => self.space_to_depth(*block, *layout),
            Op::Cast(dtype) => self.ty(0).map(|data| TensorType::new(*dtype, data.dims.clone())),
            Op::Shape { start, end } => self.shape_of(*start, *end),
            Op::Size => self.ty(0).map(|_| TensorType::new(DType::I64, [])),
            Op::ConstantOfShape(dtype) => self.constant_of_shape(*dtype),
            Op::Range => self.range(),
            Op::TopK { axis } => return self.top_k(*axis),
            Op::Recurrent(layer) => return self.recurrent(layer),
            Op::Other { .. } => Err(Stop::Unknown),
        };
        ty.map(one)
    }

    fn reshape_as(&self, reshape: Reshape) -> Rule<TensorType> {
        match reshape {
            Reshape::To { allow_zero } => self.reshape(allow_zero),
            Reshape::Flatten { axis } => self.flatten(axis),
            Reshape::Squeeze => self.squeeze(),
            Reshape::Unsqueeze => self.unsqueeze(),
        }
    }

    fn unary(&self, unary: &Unary) -> Rule<TensorType> {
        let data = self.ty(0)?;
        Ok(match unary {
            Unary::IsNaN | Unary::IsInf => TensorType::new(DType::Bool, data.dims.clone()),
            Unary::QuantizeLinear => self.converted(data, 2, DType::I8),
            Unary::DequantizeLinear => self.converted(data, 1, DType::F32),
            _ => data.clone(),
        })
    }

    /// `data` with elements as those of the operand in `slot`, if it is there.
    fn converted(&self, data: &TensorType, slot: usize, otherwise: DType) -> TensorType {
        let like = self.optional_ty(slot).ok().flatten();
        TensorType::new(like.map_or(otherwise, |ty| ty.dtype), data.dims.clone())
    }

    /// The operand's own type, if it has the axis.
    fn along(&self, axis: i64) -> Rule<TensorType> {
        let data = self.ty(0)?;
        self.axis(axis, &data.dims)?;
        Ok(data.clone())
    }

    fn norm(&self, norm: Norm) -> Rule<TensorType> {
        match norm {
            Norm::Batch(layout) => {
                let data = self.ty(0)?;
                let channels = layout.channel_axis(data.rank()).map(|axis| data.dims[axis]);
                match (self.optional_ty(1), channels) {
                    (Ok(Some(scale)), Some(channels)) if scale.elements() != channels => Err(self
                        .mismatch(
                            format!("scale has {} values", scale.elements()),
                            format!("{channels}, the channels of {}", show_dims(&data.dims)),
                        )),
                    _ => Ok(typed(data, data.dims.clone())),
                }
            }
            Norm::Layer { axis } | Norm::Rms { axis } => self.along(axis),
            Norm::Instance
            | Norm::Group { .. }
            | Norm::LocalResponse
            | Norm::Lp
            | Norm::MeanVariance => self.ty(0).cloned(),
        }
    }
}
