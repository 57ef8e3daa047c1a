//===- TestModel.cpp - Small transformers as text -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"

#include "llvm/Support/FormatVariadic.h"

using llvm::formatv;

namespace aero::pi {
namespace {

/// Appends ops to a function body and gives each a fresh SSA name.
class Printer {
public:
  explicit Printer(const TestModel &model) : model(model) {}

  std::string print();

private:
  std::string type(int64_t width) {
    return formatv("tensor<1x{0}x{1}xf32>", model.tokens, width);
  }
  std::string op(std::string text) {
    std::string name = "%v" + std::to_string(next++);
    body += "  " + name + " = " + text + "\n";
    return name;
  }
  std::string weight(std::string name, std::string shape) {
    return op(
        formatv("pi.weight \"{0}\" dense<0.5> : tensor<{1}f32>", name, shape));
  }
  std::string linear(std::string name, std::string x, int64_t rows,
                     int64_t columns) {
    std::string w =
        weight(name + ".weight", formatv("{0}x{1}x", rows, columns));
    std::string b = weight(name + ".bias", formatv("{0}x", columns));
    return op(formatv("pi.linear {0}, {1} bias {2} : tensor<{3}xf32> : {4}, "
                      "tensor<{5}x{3}xf32> -> {6}",
                      x, w, b, columns, type(rows), rows, type(columns)));
  }
  std::string norm(std::string name, std::string x) {
    if (!model.norms)
      return x;
    std::string g = weight(name + ".weight", formatv("{0}x", model.width));
    std::string b = weight(name + ".bias", formatv("{0}x", model.width));
    return op(formatv("pi.layer_norm {0} gamma {1} : tensor<{2}xf32> beta {3} "
                      ": tensor<{2}xf32> epsilon 1.000000e-05 : {4}",
                      x, g, model.width, b, type(model.width)));
  }
  std::string add(std::string a, std::string b) {
    std::string t = type(model.width);
    return op(formatv("pi.add {0}, {1} : {2}, {2} -> {2}", a, b, t));
  }
  std::string scale(std::string kind, std::string x, std::string scalar) {
    std::string t = type(model.width);
    return op(formatv("pi.{0} {1}, {2} : {3}, tensor<f32> -> {3}", kind, x,
                      scalar, t));
  }
  std::string block(std::string name, std::string x);

  const TestModel &model;
  std::string body;
  int next = 0;
};

std::string Printer::block(std::string name, std::string x) {
  int64_t d = model.width;
  std::string p =
      linear(name + ".attn.c_attn", norm(name + ".ln_1", x), d, 3 * d);
  std::string part[3];
  for (int i = 0; i < 3; ++i)
    part[i] = op(formatv("pi.slice {0} axis 2 offset {1} : {2} -> {3}", p,
                         i * d, type(3 * d), type(d)));
  std::string a =
      op(formatv("pi.attention {0}, {1}, {2} heads {3} scale 0.35 causal : "
                 "{4}, {4}",
                 part[0], part[1], part[2], model.heads, type(d)));
  std::string y = add(x, linear(name + ".attn.c_proj", a, d, d));
  std::string h = linear(name + ".mlp.c_fc", norm(name + ".ln_2", y), d, 4 * d);
  if (!model.activation.empty())
    h = op(formatv("pi.{0} {1} : {2}", model.activation, h, type(4 * d)));
  if (model.gated)
    h = op(formatv("pi.mul {0}, {1} : {2}, {2} -> {2}", h,
                   linear(name + ".mlp.up", norm(name + ".ln_2", y), d, 4 * d),
                   type(4 * d)));
  std::string f = linear(name + ".mlp.c_proj", h, 4 * d, d);
  if (!model.scaled)
    return add(y, f);
  return add(scale("mul", y, weight(name + ".beta", "")),
             scale("div", f, weight(name + ".alpha", "")));
}

std::string Printer::print() {
  std::string wte =
      weight("wte.weight", formatv("{0}x{1}x", model.vocabulary, model.width));
  std::string wpe =
      weight("wpe.weight", formatv("1x{0}x{1}x", model.tokens, model.width));
  std::string x = op(formatv(
      "pi.embedding {0}[%tokens] : tensor<{1}x{2}xf32>, tensor<1x{3}xi64> -> "
      "{4}",
      wte, model.vocabulary, model.width, model.tokens, type(model.width)));
  x = add(x, wpe);
  for (int64_t layer = 0; layer < model.layers; ++layer)
    x = block("h." + std::to_string(layer), x);
  x = linear("lm_head", norm("ln_f", x), model.width, model.vocabulary);
  return formatv("func.func @main(%tokens: tensor<1x{0}xi64>) -> {1} {{\n{2}  "
                 "return {3} : {1}\n}\n",
                 model.tokens, type(model.vocabulary), body, x);
}

} // namespace

std::string TestModel::print() const { return Printer(*this).print(); }

} // namespace aero::pi
