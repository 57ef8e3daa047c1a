//===- NetworkPasses.td - Passes that make another network -*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What these passes make has to be trained (again), except where a description
// says otherwise.
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_TRANSFORMS_NETWORKPASSES_TD
#define AERO_DIALECT_PI_TRANSFORMS_NETWORKPASSES_TD

include "mlir/Pass/PassBase.td"

/// Of passes that work layer by layer. A number that is out of range is an
/// error.
class LayersOption<string what> : Option<"layerList", "layers", "std::string",
    /*default=*/"\"\"",
    what # " of these layers only, e.g. 0-3,5; all if it is empty">;

/// Without it, a network that a pass finds nothing in gets a remark.
class ConfigurationOption : Option<"configuration", "configuration",
    "std::string", /*default=*/"\"\"",
    "The configuration that asks for the pass: nothing to do is an error then">;

def StripLayerNormPass : Pass<"pi-strip-layernorm", "::mlir::func::FuncOp"> {
  let summary = "Takes layer_norm and rms_norm out of the network";
  let description = [{
    A normalisation costs a secure reciprocal square root per token and, in the
    AERO networks, is not needed: softmax is the only nonlinearity left.

    *Input contract*: raised `pi`, i.e. norms are `pi.layer_norm` and
    `pi.rms_norm`.

    *Output contract*: no norm that is chosen by `which` and `layers` is left.
    - `mode=remove` deletes a norm together with its gamma and beta.
    - `mode=affine` keeps gamma and beta: x * gamma + beta.
    - `mode=static` keeps all but the division by the token's own deviation:
      (x - mean(x)) / sigma * gamma + beta, with one sigma a norm from
      `calibration`, which is linear. Where linear maps alone read the norm,
      their weights absorb it; elsewhere it becomes a `pi.linear` (an RMS norm a
      `pi.mul`). For models that were trained with norms: near its inputs the
      network computes nearly the same.

    The first two make **another network**, whose weights have to be trained
    again. `which=final` means the norm before the vocabulary projection:
    nothing after it attends or joins two activations. All other norms are
    `block` norms. `layers` leaves out what is outside of layers.

    `calibration` is a file with a JSON object from each norm to its sigma, the
    mean of sqrt(variance + epsilon) over tokens. A norm goes by its ONNX nodes
    or its place: `0/attention`, `0/feed_forward`, `final`, `input`.
    `reference::measureNorms` measures it on samples.

    *Errors*: a layer that the model does not have; `mode=static` without
    calibration data, or with data that miss a chosen norm, name an unknown one
    or have a sigma that is no positive number; weights that `mode=static`
    cannot read. A model without norms gets a remark. Norms are not replaced by
    anything that keeps the function: no pass can.

    Before:
    ```mlir
    %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
    %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %y = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"mode", "mode", "::aero::pi::StripNormMode",
      /*default=*/"::aero::pi::StripNormMode::Remove",
      "What becomes of a norm",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::StripNormMode::Remove, "remove",
                   "delete it with its gamma and beta"),
        clEnumValN(::aero::pi::StripNormMode::Affine, "affine",
                   "keep gamma and beta"),
        clEnumValN(::aero::pi::StripNormMode::Static, "static",
                   "divide by a constant from calibration data"))}]>,
    Option<"which", "which", "::aero::pi::StripNormWhich",
      /*default=*/"::aero::pi::StripNormWhich::All",
      "Which norms",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::StripNormWhich::All, "all", "every norm"),
        clEnumValN(::aero::pi::StripNormWhich::Block, "block",
                   "the norms inside the blocks"),
        clEnumValN(::aero::pi::StripNormWhich::Final, "final",
                   "the norm before the vocabulary projection"))}]>,
    LayersOption<"The norms">,
    Option<"calibration", "calibration", "std::string", /*default=*/"\"\"",
      "For mode=static: a JSON file with the sigma of each norm">
  ];
}

def ReplaceActivationPass
    : Pass<"pi-replace-activation", "::mlir::func::FuncOp"> {
  let summary = "Replaces the activations of the feed-forward networks";
  let description = [{
    GELU and SiLU cost a secure polynomial per element, ReLU a secure
    comparison, the identity nothing.

    *Input contract*: raised `pi`, i.e. activations are `pi.gelu`, `pi.silu`,
    `pi.relu`, `pi.leaky_relu` and `pi.prelu`.

    *Output contract*: each of them, in the chosen layers, is the activation
    named by `to`. Except where it already was, the result is **another
    network**, whose weights have to be trained again. A leaky ReLU keeps its
    slope. With `learnable` the slope of a new one is a parameter,
    `aero.leaky_slope.<layer>`, that starts at `slope`.

    A gate (of LLaMA: silu(x W) times x U) can become a ReLU, but without it the
    network would be a product of two linear maps. `gate` says what the identity
    means there: `refuse` is an error, `drop` removes the gate with its matrix,
    so that the network is linear, and `keep` leaves the product.

    *Errors*: a gate that the identity would take away, under `gate=refuse`; a
    layer that the model does not have; `learnable` for another activation than
    a leaky ReLU. A network without activations gets a remark. Softmax is none,
    nor is a tanh outside of feed-forward networks.

    Before:
    ```mlir
    %a = pi.gelu %x : tensor<1x2x4xf32>
    ```
    After, with `to=relu`:
    ```mlir
    %a = pi.relu %x : tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"to", "to", "::aero::pi::ReplacementActivation",
      /*default=*/"::aero::pi::ReplacementActivation::Identity",
      "The activation to put in",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::ReplacementActivation::Identity, "identity",
                   "none"),
        clEnumValN(::aero::pi::ReplacementActivation::Relu, "relu",
                   "max(x, 0)"),
        clEnumValN(::aero::pi::ReplacementActivation::LeakyRelu, "leaky_relu",
                   "x for x >= 0, slope * x below"))}]>,
    Option<"slope", "slope", "float", /*default=*/"0.01f",
      "The slope of a leaky_relu that is put in">,
    Option<"learnable", "learnable", "bool", /*default=*/"false",
      "Make the slope a parameter">,
    Option<"gate", "gate", "::aero::pi::GateHandling",
      /*default=*/"::aero::pi::GateHandling::Refuse",
      "What the identity makes of the gate of a feed-forward network",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::GateHandling::Refuse, "refuse", "an error"),
        clEnumValN(::aero::pi::GateHandling::Drop, "drop",
                   "remove the gate with its matrix"),
        clEnumValN(::aero::pi::GateHandling::Keep, "keep",
                   "multiply two linear maps"))}]>,
    LayersOption<"The activations">
  ];
}

def PruneFFNPass : Pass<"pi-prune-ffn", "::mlir::func::FuncOp"> {
  let summary = "Removes feed-forward networks";
  let description = [{
    In a network without activations the feed-forward networks of the deepest
    layers add little (AERO paper), and cost most of the FLOPs.

    *Input contract*: raised `pi`.

    *Output contract*: the layers that `deepest` or `layers` chooses have no
    feed-forward network: the residual stream goes on without it, and without
    its alpha and beta if it was scaled. A layer that has none gets a remark.
    The result is **another network**, whose weights have to be trained again.
    A network that something else reads as well stays for that reader.

    *Errors*: neither or both of `deepest` and `layers`; more layers than the
    model has, or one that it does not have.

    Before:
    ```mlir
    %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    return %z : tensor<1x2x4xf32>
    ```
    After, with `deepest=1`:
    ```mlir
    return %y : tensor<1x2x4xf32>
    ```
  }];
  let options = [
    Option<"deepest", "deepest", "int64_t", /*default=*/"0",
      "Of how many layers, counted from the last">,
    LayersOption<"The networks">,
    ConfigurationOption<>
  ];
}

def ScaleFFNPass : Pass<"pi-scale-ffn", "::mlir::func::FuncOp"> {
  let summary = "Scales feed-forward networks and their residual stream";
  let description = [{
    What keeps a network without LayerNorm trainable (AERO paper, equation 8):
    out = beta y + ffn(y) / alpha, with one learnable alpha and beta a layer.
    They cost nothing at inference: `pi-merge-linear` and `pi-fold-scaling` fold
    them.

    *Input contract*: raised `pi`.

    *Output contract*: the sum that ends the feed-forward network of a chosen
    layer has a factor before each operand. Networks that have one on either
    side are left as they are. The parameters are `aero.scale_ffn.<layer>.alpha`
    and `.beta`; while both are 1 the function is the same. A network beside
    attention (GPT-NeoX) has no y of its own, and stays, with a remark.

    *Errors*: an alpha of 0, or an initial value that is not finite; a layer
    that the model does not have; nothing to scale, if a configuration asks for
    it.

    Before:
    ```mlir
    %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %beta = pi.weight "aero.scale_ffn.0.beta" dense<1.000000e+00> : tensor<f32>
    %s = pi.mul %y, %beta : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    %alpha = pi.weight "aero.scale_ffn.0.alpha" dense<1.000000e+00> : tensor<f32>
    %t = pi.div %f, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    %z = pi.add %s, %t : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"alpha", "alpha", "float", /*default=*/"1.0f",
      "Where training starts: what the network is divided by">,
    Option<"beta", "beta", "float", /*default=*/"1.0f",
      "Where training starts: the factor of the residual stream">,
    LayersOption<"The networks">,
    ConfigurationOption<>
  ];
}

def InsertEntropyScalingPass
    : Pass<"pi-insert-entropy-scaling", "::mlir::func::FuncOp"> {
  let summary = "Gives attention a learnable temperature";
  let description = [{
    Without LayerNorm and activation, heads drift to attend to everything or to
    one token. The entropy regulariser of the AERO paper trains a temperature t
    for each head and query position, softmax(q k^T / (t sqrt(dk))), and holds
    the entropy of each head near a threshold.

    *Input contract*: raised `pi`.

    *Output contract*: attention in the chosen layers has a `temperature`,
    `aero.temperature.<layer>`, and `entropy_thresholds`, one a head, as a part
    of the largest entropy log T. One that has them keeps them. At the default,
    1, the function is the same; the paper starts training at 1e-2 or 1e-1.
    `shape=head` makes one temperature a head for all positions, which
    `pi-fold-scaling` folds into the query whatever is trained.

    *Errors*: an initial temperature that is not above 0, a threshold outside of
    [0, 1]; a layer that the model does not have; no attention, if a
    configuration asks for it.

    Before:
    ```mlir
    %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
    ```
    After:
    ```mlir
    %t = pi.weight "aero.temperature.0" dense<1.000000e+00> : tensor<2x6xf32>
    %a = pi.attention %q, %k, %v temperature %t : tensor<2x6xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [5.000000e-01, 5.000000e-01] : tensor<1x6x8xf32>, tensor<1x6x8xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"initial", "initial", "float", /*default=*/"1.0f",
      "Where training starts: the temperature">,
    Option<"threshold", "threshold", "float", /*default=*/"0.5f",
      "Where training starts: the entropy threshold, in [0, 1]">,
    Option<"shape", "shape", "::aero::pi::TemperatureShape",
      /*default=*/"::aero::pi::TemperatureShape::HeadAndPosition",
      "What has a temperature of its own",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::TemperatureShape::HeadAndPosition,
                   "head-and-position", "each head and query position"),
        clEnumValN(::aero::pi::TemperatureShape::Head, "head",
                   "each head"))}]>,
    LayersOption<"The attention">,
    ConfigurationOption<>
  ];
}

def StaticNormPass : Pass<"pi-static-norm", "::mlir::func::FuncOp"> {
  let summary = "Normalises weight matrices";
  let description = [{
    Weight and spectral normalisation stabilise training without LayerNorm and,
    unlike it, do not depend on the input: the compiler divides once. (The AERO
    paper compares both with the scaled feed-forward network.)

    *Input contract*: raised `pi`; matrices are `pi.weight`.

    *Output contract*: every chosen matrix W is, under its old name,
    - `method=weight`: W g / ||w||, for each column w (an output of the map);
    - `method=spectral`: W g / s, with the largest singular value s, by power
      iteration in double precision,
    where g is `gain`. Products are rounded once. The result is **another
    network**, unless it was trained under that normalisation. A matrix stays,
    with a remark, if it is no weight or something that is not chosen reads it.

    *Errors*: a gain that is not above 0; a layer that the model does not have;
    weights that cannot be read.

    Before:
    ```mlir
    %w = pi.weight "w" dense<[[3.0, 0.0], [4.0, 2.0]]> : tensor<2x2xf32>
    ```
    After:
    ```mlir
    %w = pi.weight "w" dense<[[0.6, 0.0], [0.8, 1.0]]> : tensor<2x2xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"method", "method", "::aero::pi::StaticNormMethod",
      /*default=*/"::aero::pi::StaticNormMethod::Weight",
      "By what a matrix is divided",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::StaticNormMethod::Weight, "weight",
                   "the length of each column"),
        clEnumValN(::aero::pi::StaticNormMethod::Spectral, "spectral",
                   "the largest singular value"))}]>,
    Option<"which", "which", "::aero::pi::StaticNormWhich",
      /*default=*/"::aero::pi::StaticNormWhich::FeedForward",
      "Which matrices",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::StaticNormWhich::FeedForward, "ffn",
                   "those of feed-forward networks"),
        clEnumValN(::aero::pi::StaticNormWhich::Attention, "attention",
                   "the projections of attention"),
        clEnumValN(::aero::pi::StaticNormWhich::All, "all", "both"))}]>,
    Option<"gain", "gain", "float", /*default=*/"1.0f",
      "What a length or singular value becomes">,
    LayersOption<"The matrices">
  ];
}

def SimplifyBlockPass : Pass<"pi-simplify-block", "::mlir::func::FuncOp"> {
  let summary = "Removes the value and output matrices of attention";
  let description = [{
    The comparator of the AERO paper: He and Hofmann, "Simplifying transformer
    blocks" (ICLR 2024), in which both matrices are the identity. That halves
    the FLOPs of the projections.

    *Input contract*: raised `pi`; the matrix of a fused projection is a
    `pi.weight`.

    *Output contract*: chosen attention reads as its values what the value
    projection read, and what read its output projection reads its result.
    Biases go too. The columns of a fused projection are cut out; the rest keeps
    its name. The result is **another network**, whose weights have to be
    trained again. Attention keeps its projections, with a remark that says why,
    where they change the width (shared key heads) or have other readers.

    *Errors*: a layer that the model does not have; weights that cannot be read;
    if a configuration asks for the pass, attention that has to keep its
    projections, or none at all.

    Before:
    ```mlir
    %v = pi.linear %x, %wv : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
    %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %o = pi.attention %q, %k, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [LayersOption<"The attention">, ConfigurationOption<>];
}

#endif // AERO_DIALECT_PI_TRANSFORMS_NETWORKPASSES_TD
