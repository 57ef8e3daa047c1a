//===- PINonlinearOps.td - What secure computation pays for -*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op here implements NonlinearOpInterface and ends its arguments with the
// optional annotation, which its builders leave out.
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PINONLINEAROPS_TD
#define AERO_DIALECT_PI_IR_PINONLINEAROPS_TD

include "aero/Dialect/PI/IR/PIOps.td"

class PI_NonlinearOp<string mnemonic, list<Trait> traits = []>
    : PI_Op<mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<PI_NonlinearOpInterface,
          ["getNonlinearKind", "getMapCount", "getMapShape"]>], traits)> {
  let results = (outs PI_FloatTensor:$result);
}

/// f(x), element by element.
class PI_NonlinearUnaryOp<string mnemonic>
    : PI_NonlinearOp<mnemonic, [SameOperandsAndResultType]> {
  let arguments = (ins PI_FloatTensor:$input,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = "$input (`annotated` $nonlinearity^)? attr-dict `:` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input), [{
      build($_builder, $_state, result, input, NonlinearityAttr());
    }]>,
    OpBuilder<(ins "::mlir::Value":$input), [{
      build($_builder, $_state, input.getType(), input, NonlinearityAttr());
    }]>
  ];
}

//===----------------------------------------------------------------------===//
// Functions that may become part of an activation
//===----------------------------------------------------------------------===//

def PI_ExpOp : PI_NonlinearUnaryOp<"exp"> { let summary = "Exponential function"; }
def PI_SqrtOp : PI_NonlinearUnaryOp<"sqrt"> { let summary = "Square root"; }
def PI_ErfOp : PI_NonlinearUnaryOp<"erf"> { let summary = "Error function"; }
/// A part of GELU, or alone the activation of a pooler.
def PI_TanhOp : PI_NonlinearUnaryOp<"tanh"> { let summary = "Hyperbolic tangent"; }
def PI_SigmoidOp : PI_NonlinearUnaryOp<"sigmoid"> { let summary = "1 / (1 + exp(-x))"; }
def PI_SinOp : PI_NonlinearUnaryOp<"sin"> { let summary = "Sine"; }
def PI_CosOp : PI_NonlinearUnaryOp<"cos"> { let summary = "Cosine"; }

//===----------------------------------------------------------------------===//
// Nonlinear functions of networks
//===----------------------------------------------------------------------===//

def PI_GeluOp : PI_NonlinearOp<"gelu", [SameOperandsAndResultType]> {
  let summary = "x Phi(x), exactly or by tanh";
  let arguments = (ins PI_FloatTensor:$input,
    DefaultValuedAttr<PI_GeluApproximationAttr,
      "::aero::pi::GeluApproximation::None">:$approximation,
    OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $input (`approximation` $approximation^)? (`annotated` $nonlinearity^)?
    attr-dict `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::aero::pi::GeluApproximation":$approximation), [{
      build($_builder, $_state, result, input, approximation,
            NonlinearityAttr());
    }]>
  ];
}
def PI_ReluOp : PI_NonlinearUnaryOp<"relu"> { let summary = "max(x, 0)"; }
def PI_LeakyReluOp : PI_NonlinearOp<"leaky_relu", [SameOperandsAndResultType]> {
  let summary = "x for x >= 0, slope * x below";
  let description = [{
    Constraints:
    - C1: `slope` is finite.
  }];
  let arguments = (ins PI_FloatTensor:$input, F32Attr:$slope,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = "$input `slope` $slope (`annotated` $nonlinearity^)? attr-dict `:` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::FloatAttr":$slope), [{
      build($_builder, $_state, result, input, slope, NonlinearityAttr());
    }]>
  ];
  let hasVerifier = 1;
}
def PI_PReluOp : PI_NonlinearOp<"prelu", [AllTypesMatch<["input", "result"]>]> {
  let summary = "A leaky ReLU whose slope is a parameter";
  let description = [{
    x for x >= 0, slope * x below. The slope of `pi.leaky_relu` is architecture;
    this one is trained, and the server's.

    Constraints:
    - C1: `slope` has one element.
  }];
  let arguments = (ins PI_FloatTensor:$input, PI_FloatTensor:$slope,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $input `slope` $slope `:` type($slope) (`annotated` $nonlinearity^)?
    attr-dict `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::Value":$slope), [{
      build($_builder, $_state, result, input, slope, NonlinearityAttr());
    }]>
  ];
  let hasVerifier = 1;
}
def PI_SiluOp : PI_NonlinearUnaryOp<"silu"> { let summary = "x sigmoid(x)"; }

def PI_SoftmaxOp : PI_NonlinearOp<"softmax", [SameOperandsAndResultType]> {
  let summary = "exp(x) / sum exp(x) over one dimension";
  let description = [{
    `entropy_thresholds` are those of the `pi.attention` that the softmax becomes
    a part of: a file has them, and `pi-raise` hands them on. They change nothing
    that is computed.

    Constraints:
    - C1: `axis` is in [0, rank).
    - C2: with `entropy_thresholds` the input is (batch, heads, queries, keys),
      and they are as many as heads, each in [0, 1].
  }];
  let arguments = (ins PI_FloatTensor:$input, I64Attr:$axis,
                       OptionalAttr<DenseF32ArrayAttr>:$entropy_thresholds,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $input `axis` $axis (`entropy_thresholds` $entropy_thresholds^)?
    (`annotated` $nonlinearity^)? attr-dict `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "int64_t":$axis), [{
      build($_builder, $_state, result, input, axis,
            /*entropy_thresholds=*/::mlir::DenseF32ArrayAttr(),
            NonlinearityAttr());
    }]>
  ];
  let hasVerifier = 1;
}

def PI_LayerNormOp : PI_NonlinearOp<"layer_norm",
    [AttrSizedOperandSegments, AllTypesMatch<["input", "result"]>]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * gamma + beta over the last dimension";
  let description = [{
    The variance is the biased one (divided by d, not d - 1), as in every
    framework.

    Constraints, d being the last dimension of `input`:
    - C1: `input` has at least rank 1.
    - C2: `gamma` has the shape (d).
    - C3: `beta` has the shape (d).
    - C4: `epsilon` is finite and not negative.
  }];
  let arguments = (ins PI_FloatTensor:$input, Optional<PI_FloatTensor>:$gamma,
                       Optional<PI_FloatTensor>:$beta, F32Attr:$epsilon,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $input (`gamma` $gamma^ `:` type($gamma))? (`beta` $beta^ `:` type($beta))?
    `epsilon` $epsilon (`annotated` $nonlinearity^)? attr-dict `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::Value":$gamma, "::mlir::Value":$beta,
                   "::mlir::FloatAttr":$epsilon), [{
      build($_builder, $_state, result, input, gamma, beta, epsilon,
            NonlinearityAttr());
    }]>
  ];
  let hasVerifier = 1;
}

def PI_RMSNormOp : PI_NonlinearOp<"rms_norm",
    [AllTypesMatch<["input", "result"]>]> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * gamma over the last dimension";
  let description = [{
    Constraints, d being the last dimension of `input`:
    - C1: `input` has at least rank 1.
    - C2: `gamma` has the shape (d).
    - C3: `epsilon` is finite and not negative.
  }];
  let arguments = (ins PI_FloatTensor:$input, Optional<PI_FloatTensor>:$gamma,
                       F32Attr:$epsilon,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $input (`gamma` $gamma^ `:` type($gamma))? `epsilon` $epsilon
    (`annotated` $nonlinearity^)? attr-dict `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "::mlir::Value":$gamma, "::mlir::FloatAttr":$epsilon), [{
      build($_builder, $_state, result, input, gamma, epsilon,
            NonlinearityAttr());
    }]>
  ];
  let hasVerifier = 1;
}

def PI_AttentionOp : PI_NonlinearOp<"attention", [AttrSizedOperandSegments,
    AllTypesMatch<["query", "result"]>, AllTypesMatch<["key", "value"]>]> {
  let summary = "Multi-head softmax attention";
  let description = [{
    `query` is (batch, tokens, heads * dk), head h in columns [h dk, (h+1) dk);
    `key` and `value` are (batch, keys, key_heads * dk). For each head:
    softmax(scale q k^T + bias, masked) v. Without `key_heads` there are as many
    as heads; with fewer (grouped-query attention) heads [i g, (i+1) g), where
    g = heads / key_heads, share key head i.

    A key is masked
    - with `causal`, if it is later than the query: of K keys, query t of T sees
      the first K - T + t + 1. Keys before the first query are those of earlier
      tokens (a key-value cache);
    - with a `mask` (batch, keys), where that is 0: padding.

    A query that sees no key has the result 0.

    With a `temperature` t the products of query i and head h are divided by
    t[h, i], before the bias: softmax(scale q k^T / t + bias). More than 1 makes
    attention flatter, less makes it sharper. (heads, 1) is one for each head,
    whatever the position. `entropy_thresholds` are of training, one a head, as
    parts of the largest entropy: what the entropy regulariser holds each head's
    entropy to. They change nothing that is computed.

    Constraints:
    - C1: `query` and `key` have rank 3 and the same batch.
    - C2: `heads` is at least 1 and divides the width of `query`.
    - C3: `key_heads` is at least 1, divides `heads`, and gives the heads of
      `key` the width of those of `query`.
    - C4: `scale` is finite.
    - C5: with `causal` there are at least as many keys as queries.
    - C6: `mask` is (batch, keys).
    - C7: `bias` can be broadcast to (batch, heads, tokens, keys).
    - C8: `temperature` is (heads, tokens) or (heads, 1).
    - C9: `entropy_thresholds` are as many as heads, each in [0, 1].
  }];
  let arguments = (ins PI_FloatTensor:$query, PI_FloatTensor:$key,
                       PI_FloatTensor:$value, Optional<PI_MaskTensor>:$mask,
                       Optional<PI_FloatTensor>:$bias,
                       Optional<PI_FloatTensor>:$temperature, I64Attr:$heads,
                       OptionalAttr<I64Attr>:$key_heads, F32Attr:$scale,
                       UnitAttr:$causal,
                       OptionalAttr<DenseF32ArrayAttr>:$entropy_thresholds,
                       OptionalAttr<PI_NonlinearityAttr>:$nonlinearity);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` $mask^ `:` type($mask))?
    (`bias` $bias^ `:` type($bias))?
    (`temperature` $temperature^ `:` type($temperature))?
    `heads` $heads (`key_heads` $key_heads^)? `scale` $scale (`causal` $causal^)?
    (`entropy_thresholds` $entropy_thresholds^)? (`annotated` $nonlinearity^)?
    attr-dict `:` type($query) `,` type($key)
  }];
  let builders = [
    /// Without temperature and thresholds, which no exporter writes as such.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query,
                   "::mlir::Value":$key, "::mlir::Value":$value,
                   "::mlir::Value":$mask, "::mlir::Value":$bias,
                   "int64_t":$heads, "::mlir::IntegerAttr":$keyHeads,
                   "::llvm::APFloat":$scale, "bool":$causal)>,
    /// As many key heads as heads, no mask but a causal one, no bias.
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key,
                   "::mlir::Value":$value, "int64_t":$heads, "float":$scale,
                   "bool":$causal)>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Width of one head.
    int64_t getHeadWidth();
    /// `key_heads`, or `heads` if it is absent.
    int64_t getKeyHeadCount();
  }];
}

#endif // AERO_DIALECT_PI_IR_PINONLINEAROPS_TD
