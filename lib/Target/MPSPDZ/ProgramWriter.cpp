//===- ProgramWriter.cpp - A pi function as an MP-SPDZ program -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramWriter.h"

#include "LayerLoops.h"
#include "Script.h"
#include "Shapes.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Support/Elements.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;
using namespace aero;

namespace {

constexpr char prelude[] =
#include "Prelude.mpc.inc"
    ;

/// What a weight is read as: what is added to activations, with their scale; or
/// with that of weights, a matrix as it is, its columns as rows, or inverses.
enum class Form { Addend, Rows, Columns, Inverse };

/// As Python reads it, all digits of single precision.
std::string printNumber(float number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", number);
  return text;
}

class ProgramWriter {
public:
  ProgramWriter(const FoldedModel &model, const EmitOptions &options,
                ArrayRef<Operation *> insecure)
      : model(model), function(model.function), options(options),
        loops(function, insecure), insecure(insecure.begin(), insecure.end()) {}

  llvm::Expected<MPSPDZProgram> run();

private:
  /// What a block of the program knows.
  struct Block {
    Script script;
    /// Values by their variables.
    llvm::DenseMap<Value, std::string> names;
    /// Weights that it has read, and as what.
    std::map<std::pair<Operation *, Form>, std::string> weights;
    /// Those of a loop's body, in the order of their reading.
    std::vector<std::pair<Operation *, Form>> reads;
  };

  void addRead(pi::WeightOp op, Form form);
  pi::WeightOp getCounterpart(pi::WeightOp weight, const LayerLoop &loop,
                              size_t i);
  void writeStraight(const LayerLoop &part);
  void writeLoop(const LayerLoop &loop);
  void writeOp(Operation *op, Block &block);
  void writeResult(Operation *op, Block &block);
  /// Writes an op that only chooses columns, or says that it is none.
  bool writeColumns(Operation *op, Block &block);
  /// The call that computes an op, or nothing if there is none for it.
  std::optional<std::string> getCall(Operation *op, Block &block);
  std::optional<std::string> getArithmetic(Operation *op, Block &block);
  std::optional<std::string> getAttention(pi::AttentionOp op, Block &block);
  std::optional<std::string> getRotation(pi::RotaryEmbeddingOp op,
                                         Block &block);
  std::optional<std::string> getNorm(Value input, Value gamma, Value beta,
                                     float epsilon, bool center, Block &block);

  /// The variable of a value that is computed, or of a weight; nothing if it
  /// is no matrix as its type says.
  std::optional<std::string> getName(Value value, Block &block,
                                     Form form = Form::Addend);
  /// As above, of a matrix whose columns may be split.
  std::optional<std::string> getStoredName(Value value, Block &block,
                                           Form form = Form::Addend);
  std::string getWeight(pi::WeightOp op, Block &block, Form form);
  std::string makeName(char prefix) {
    return prefix + std::to_string(counters[prefix]++);
  }
  std::string getPairs(int64_t heads, int64_t queries, int64_t keys,
                       bool causal);
  /// The variable of public angles; nothing if they are none.
  std::optional<std::string> getAngles(pi::RotaryEmbeddingOp op);

  FoldedModel model;
  func::FuncOp function;
  const EmitOptions &options;
  LayerLoops loops;
  llvm::DenseSet<Operation *> insecure;
  MPSPDZProgram program;
  Block main;
  /// Variables that the call being written uses.
  std::vector<std::string> uses;
  std::map<char, unsigned> counters;
  /// Sets of pairs that attentions look at, by their arguments.
  std::map<std::string, std::string> pairs;
  /// Angles of rotations, by their cosines and sines.
  llvm::MapVector<std::pair<ElementsAttr, ElementsAttr>, std::string> angles;
  std::vector<std::string> problems;
};

} // namespace

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

std::string ProgramWriter::getWeight(pi::WeightOp op, Block &block, Form form) {
  std::string &name = block.weights[{op, form}];
  if (!name.empty())
    return name;
  name = makeName('w');
  if (&block == &main)
    addRead(op, form);
  else
    block.reads.push_back({op, form});
  MatrixShape shape = *getMatrixShape(op.getType());
  if (form == Form::Columns)
    std::swap(shape.rows, shape.columns);
  block.script.define(name, llvm::formatv("read_weight({0}, {1}, {2})  # {3}",
                                          shape.rows, shape.columns,
                                          form == Form::Addend ? "F" : "W",
                                          sanitizeName(op.getName())));
  return name;
}

std::optional<std::string> ProgramWriter::getName(Value value, Block &block,
                                                  Form form) {
  if (getStoredShape(value) != getMatrixShape(value.getType()))
    return std::nullopt;
  return getStoredName(value, block, form);
}

std::optional<std::string>
ProgramWriter::getStoredName(Value value, Block &block, Form form) {
  if (!getStoredShape(value))
    return std::nullopt;
  std::string name;
  if (auto weight = value.getDefiningOp<pi::WeightOp>())
    name = getWeight(weight, block, form);
  else if (auto found = block.names.find(value); found != block.names.end())
    name = found->second;
  else
    name = main.names.lookup(value);
  if (name.empty())
    return std::nullopt;
  uses.push_back(name);
  return name;
}

/// The number of a public constant that is the same everywhere.
static std::optional<float> getNumber(Value value) {
  ElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  return getFloatSplat(constant);
}

std::string ProgramWriter::getPairs(int64_t heads, int64_t queries,
                                    int64_t keys, bool causal) {
  std::string arguments =
      llvm::formatv("{0}, {1}, {2}, causal={3}", heads, queries, keys,
                    causal ? "True" : "False");
  std::string &name = pairs[arguments];
  if (name.empty())
    name = makeName('p');
  return name;
}

std::optional<std::string> ProgramWriter::getAngles(pi::RotaryEmbeddingOp op) {
  ElementsAttr cosines, sines;
  if (!matchPattern(op.getCos(), m_Constant(&cosines)) ||
      !matchPattern(op.getSin(), m_Constant(&sines)))
    return std::nullopt;
  std::string &name = angles[{cosines, sines}];
  if (name.empty())
    name = makeName('a');
  return name;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// add, sub and mul of two values that are computed, or of one and a constant.
std::optional<std::string> ProgramWriter::getArithmetic(Operation *op,
                                                        Block &block) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  std::optional<float> left = getNumber(lhs), right = getNumber(rhs);
  if (left || right) {
    auto x = getName(left ? rhs : lhs, block);
    if (!x || (left && !isa<pi::AddOp, pi::MulOp>(op)))
      return std::nullopt;
    float number = left ? *left : *right;
    if (isa<pi::MulOp>(op))
      return "scale(" + *x + ", " + printNumber(number) + ")";
    if (isa<pi::DivOp>(op) && number != 0)
      return "scale(" + *x + ", " + printNumber(1 / number) + ")";
    if (isa<pi::AddOp, pi::SubOp>(op))
      return "offset(" + *x + ", " +
             printNumber(isa<pi::AddOp>(op) ? number : -number) + ")";
    return std::nullopt;
  }
  llvm::StringRef function = isa<pi::AddOp>(op)   ? "add"
                             : isa<pi::SubOp>(op) ? "sub"
                             : isa<pi::MulOp>(op) ? "mul"
                                                  : "";
  auto x = getName(lhs, block), y = getName(rhs, block);
  if (!x || !y || function.empty())
    return std::nullopt;
  MatrixShape a = *getMatrixShape(lhs.getType()),
              b = *getMatrixShape(rhs.getType());
  // A row goes with every row; a column does not.
  if (a.columns != b.columns ||
      (a.rows != b.rows && a.rows != 1 && b.rows != 1))
    return std::nullopt;
  return (function + "(" + *x + ", " + *y + ")").str();
}

std::optional<std::string> ProgramWriter::getAttention(pi::AttentionOp op,
                                                       Block &block) {
  if (op.getMask() || op.getBias())
    return std::nullopt;
  auto q = getName(op.getQuery(), block), k = getName(op.getKey(), block),
       v = getName(op.getValue(), block);
  if (!q || !k || !v)
    return std::nullopt;
  auto heads = static_cast<int64_t>(op.getHeads());
  std::string set =
      getPairs(heads, getMatrixShape(op.getQuery().getType())->rows,
               getMatrixShape(op.getKey().getType())->rows, op.getCausal());
  std::string text = llvm::formatv("attention({0}, {1}, {2}, {3}, {4}, {5}", *q,
                                   *k, *v, set, op.getKeyHeadCount(),
                                   printNumber(op.getScale().convertToFloat()));
  if (op.getTemperature()) {
    if (!op.getTemperature().getDefiningOp<pi::WeightOp>())
      return std::nullopt;
    auto inverse = getName(op.getTemperature(), block, Form::Inverse);
    if (!inverse)
      return std::nullopt;
    text += ", " + *inverse;
  }
  return text + ")";
}

std::optional<std::string> ProgramWriter::getRotation(pi::RotaryEmbeddingOp op,
                                                      Block &block) {
  auto x = getName(op.getInput(), block), angle = getAngles(op);
  if (!x || !angle)
    return std::nullopt;
  return llvm::formatv("rotate({0}, {1}, {2}, interleaved={3})", *x, *angle,
                       op.getHeads(), op.getInterleaved() ? "True" : "False")
      .str();
}

std::optional<std::string> ProgramWriter::getNorm(Value input, Value gamma,
                                                  Value beta, float epsilon,
                                                  bool center, Block &block) {
  auto x = getName(input, block);
  if (!x)
    return std::nullopt;
  std::string text =
      llvm::formatv("normalize({0}, {1}, center={2}", *x, printNumber(epsilon),
                    center ? "True" : "False");
  for (auto [name, parameter] : {std::pair("gamma", gamma), {"beta", beta}}) {
    if (!parameter)
      continue;
    auto y = getName(parameter, block);
    if (!y)
      return std::nullopt;
    text += llvm::formatv(", {0}={1}", name, *y);
  }
  return text + ")";
}

std::optional<std::string> ProgramWriter::getCall(Operation *op, Block &block) {
  using Call = std::optional<std::string>;
  auto unary = [&](llvm::StringRef function) -> Call {
    auto x = getName(op->getOperand(0), block);
    if (!x)
      return std::nullopt;
    return (function + "(" + *x + ")").str();
  };
  return llvm::TypeSwitch<Operation *, Call>(op)
      .Case([&](pi::EmbeddingOp op) -> Call {
        auto table = getName(op.getTable(), block, Form::Rows);
        if (op.getIndices() != function.getArgument(0) || !table)
          return std::nullopt;
        uses.push_back("tokens");
        return "embedding(tokens, " + *table + ")";
      })
      .Case([&](pi::LinearOp op) -> Call {
        pi::WeightMatrix matrix = pi::getWeightMatrix(op.getWeight());
        auto x = getName(op.getInput(), block);
        if (!matrix || !x)
          return std::nullopt;
        std::string weight =
            getWeight(matrix.weight, block,
                      matrix.isTransposed ? Form::Rows : Form::Columns);
        uses.push_back(weight);
        std::string text = "linear(" + *x + ", " + weight;
        if (op.getBias()) {
          auto bias = getName(op.getBias(), block, Form::Rows);
          if (!bias)
            return std::nullopt;
          text += ", " + *bias;
        }
        return text + ")";
      })
      .Case<pi::AddOp, pi::SubOp, pi::MulOp, pi::DivOp>(
          [&](auto) { return getArithmetic(op, block); })
      .Case([&](pi::SelectTokenOp op) -> Call {
        auto x = getName(op.getInput(), block);
        if (!x || !model.hasPosition ||
            op.getPosition() != function.getArgument(1))
          return std::nullopt;
        return "select_token(" + *x + ", position)";
      })
      .Case([&](pi::ReluOp) { return unary("relu"); })
      .Case([&](pi::GeluOp) { return unary("gelu"); })
      .Case([&](pi::SiluOp) { return unary("silu"); })
      .Case([&](pi::LeakyReluOp op) -> Call {
        auto x = getName(op.getInput(), block);
        if (!x)
          return std::nullopt;
        return "leaky_relu(" + *x + ", " +
               printNumber(op.getSlope().convertToFloat()) + ")";
      })
      .Case([&](pi::PReluOp op) -> Call {
        auto x = getName(op.getInput(), block),
             slope = getName(op.getSlope(), block);
        if (!x || !slope)
          return std::nullopt;
        return "prelu(" + *x + ", " + *slope + ")";
      })
      .Case([&](pi::LayerNormOp op) {
        return getNorm(op.getInput(), op.getGamma(), op.getBeta(),
                       op.getEpsilon().convertToFloat(), /*center=*/true,
                       block);
      })
      .Case([&](pi::RMSNormOp op) {
        return getNorm(op.getInput(), op.getGamma(), /*beta=*/Value(),
                       op.getEpsilon().convertToFloat(), /*center=*/false,
                       block);
      })
      .Case([&](pi::AttentionOp op) { return getAttention(op, block); })
      .Case([&](pi::RotaryEmbeddingOp op) { return getRotation(op, block); })
      .Default([](Operation *) { return std::nullopt; });
}

void ProgramWriter::writeOp(Operation *op, Block &block) {
  writeResult(op, block);
  if (!insecure.contains(op))
    return;
  std::string name = block.names.lookup(op->getResult(0));
  block.script.add("insecure_reveal(" + name + ")", {name});
}

bool ProgramWriter::writeColumns(Operation *op, Block &block) {
  Value result = op->getResult(0);
  if (isa<pi::ReshapeOp>(op)) {
    auto x = getStoredName(op->getOperand(0), block);
    if (!x || !getStoredShape(result))
      return false;
    block.names[result] = *x;
    return true;
  }
  auto slice = dyn_cast<pi::SliceOp>(op);
  auto columns = slice ? getColumnSlice(slice) : std::nullopt;
  auto x = columns ? getStoredName(slice.getInput(), block) : std::nullopt;
  if (!x)
    return false;
  std::string name = makeName('x');
  block.names[result] = name;
  // Columns side by side are looked at where they are.
  if (columns->groups == 1)
    block.script.view(name,
                      llvm::formatv("{0}.slice({1}, {2})", *x, columns->first,
                                    columns->columns),
                      *x);
  else
    block.script.define(name,
                        llvm::formatv("{0}.slice_groups({1}, {2}, {3})", *x,
                                      columns->groups, columns->first,
                                      columns->columns),
                        {*x});
  return true;
}

void ProgramWriter::writeResult(Operation *op, Block &block) {
  uses.clear();
  Value result = op->getResult(0);
  if (writeColumns(op, block))
    return;
  std::optional<std::string> call;
  if (getMatrixShape(result.getType()))
    call = getCall(op, block);
  if (!call) {
    problems.push_back(describeProblem(op, "has no form for MP-SPDZ"));
    // So that what follows is not reported as well.
    block.names[result] = "none";
    return;
  }
  std::string name = makeName('x');
  block.names[result] = name;
  block.script.define(name, *call, uses);
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

void ProgramWriter::addRead(pi::WeightOp op, Form form) {
  program.weights.push_back({op.getName().str(), op.getValue(),
                             form == Form::Columns ? ReadWeight::Form::Columns
                             : form == Form::Inverse
                                 ? ReadWeight::Form::Inverse
                                 : ReadWeight::Form::Plain});
}

void ProgramWriter::writeStraight(const LayerLoop &part) {
  for (Operation *op :
       loops.getOps().slice(part.first, part.period * part.count))
    writeOp(op, main);
}

/// The ops of iteration 0 stand for all: what they take from before the loop is
/// a variable that the iteration before sets.
void ProgramWriter::writeLoop(const LayerLoop &loop) {
  ArrayRef<Operation *> ops = loops.getOps();
  ArrayRef<Operation *> first = ops.slice(loop.first, loop.period);
  Block body;
  std::vector<std::string> outer;
  // By the op of the body that sets it.
  llvm::MapVector<size_t, std::string> carried;
  for (auto [i, op] : llvm::enumerate(first))
    for (auto [operand, next] :
         llvm::zip_equal(op->getOperands(),
                         ops[loop.first + loop.period + i]->getOperands())) {
      std::optional<size_t> def = operand.getDefiningOp()
                                      ? loops.getIndex(operand.getDefiningOp())
                                      : std::nullopt;
      if (!def || *def >= loop.first)
        continue;
      if (operand == next) {
        outer.push_back(main.names.lookup(operand));
        continue;
      }
      std::string &name = carried[*def + loop.period - loop.first];
      if (name.empty()) {
        name = makeName('c');
        std::string start = main.names.lookup(operand);
        main.script.define(name, "carried(" + start + ")", {start});
      }
      body.names[operand] = name;
    }
  // What is used behind the loop is of the last iteration.
  size_t last = loop.getEnd() - loop.period;
  for (size_t i = 0; i < loop.period; ++i) {
    Value result = ops[last + i]->getResult(0);
    bool isUsed = llvm::any_of(result.getUsers(), [&](Operation *user) {
      std::optional<size_t> index = loops.getIndex(user);
      return !index || *index >= loop.getEnd();
    });
    if (!isUsed)
      continue;
    std::string &name = carried[i];
    if (name.empty()) {
      name = makeName('c');
      auto shape = getStoredShape(result);
      main.script.define(name, llvm::formatv("Value({0}, {1})",
                                             shape ? shape->rows : 0,
                                             shape ? shape->columns : 0));
    }
    main.names[result] = name;
  }

  for (Operation *op : first)
    writeOp(op, body);
  for (const auto &[index, name] : carried) {
    std::string value = body.names.lookup(first[index]->getResult(0));
    body.script.add(llvm::formatv("{0}.assign({1})", name, value), {value});
    outer.push_back(name);
  }
  // Iteration i reads the weights that its own ops have where those of
  // iteration 0 have theirs.
  for (size_t i = 0; i < loop.count; ++i)
    for (auto [weight, form] : body.reads)
      addRead(getCounterpart(cast<pi::WeightOp>(weight), loop, i), form);
  main.script.add(
      llvm::formatv("\n@for_range({0})\ndef _(layer):\n", loop.count).str() +
          body.script.print("    "),
      outer);
}

/// The weight of iteration `i` for one of iteration 0.
pi::WeightOp ProgramWriter::getCounterpart(pi::WeightOp weight,
                                           const LayerLoop &loop, size_t i) {
  ArrayRef<Operation *> ops = loops.getOps();
  for (size_t j = loop.first; j < loop.first + loop.period; ++j)
    for (OpOperand &operand : ops[j]->getOpOperands())
      if (pi::getWeightMatrix(operand.get()).weight == weight) {
        Value value =
            ops[j + i * loop.period]->getOperand(operand.getOperandNumber());
        return pi::getWeightMatrix(value).weight;
      }
  llvm_unreachable("a weight that an iteration reads is used in it");
}

/// Public numbers as a list, with a line for each row.
static llvm::Expected<std::string> printTable(ElementsAttr table) {
  auto numbers = getFloatData(table);
  if (!numbers)
    return numbers.takeError();
  auto columns = static_cast<size_t>(table.getShapedType().getShape().back());
  std::string text = "[";
  for (auto [i, number] : llvm::enumerate(numbers->get()))
    text += (i == 0             ? ""
             : i % columns == 0 ? ",\n    "
                                : ", ") +
            printNumber(number);
  return text + "]";
}

llvm::Expected<MPSPDZProgram> ProgramWriter::run() {
  if (model.hasPosition)
    main.script.add("position = read_position()");
  main.script.define("tokens", llvm::formatv("read_tokens({0}, {1})",
                                             model.tokens, model.vocabulary));
  for (const LayerLoop &part : loops.getLoops())
    part.count == 1 ? writeStraight(part) : writeLoop(part);
  uses.clear();
  Value logits = function.front().getTerminator()->getOperand(0);
  auto name = getName(logits, main);
  if (!name)
    problems.push_back("the logits are no value that is computed");
  if (!problems.empty())
    return llvm::createStringError(llvm::join(problems, "\n"));
  main.script.add("write_logits(" + *name + ")", {*name});

  std::string text =
      llvm::formatv("# {0} as {1}, written by AERO for MP-SPDZ. All parties "
                    "need the same\n# file; the README beside it says how to "
                    "run it.\n\n"
                    "# The server owns the weights, the client the prompt.\n"
                    "SERVER, CLIENT = 0, 1\n\n",
                    sanitizeName(options.model), sanitizeName(options.config));
  text += prelude;
  text += "\n\n# The model.\n\n";
  if (!insecure.empty())
    text += "# INSECURE: for diagnosis, the client also learns these values.\n"
            "insecure_reveal = write_logits\n\n";
  for (const auto &[arguments, set] : pairs)
    text += llvm::formatv("{0} = Pairs({1})\n", set, arguments);
  for (const auto &[tables, name] : angles) {
    auto cosines = printTable(tables.first), sines = printTable(tables.second);
    if (!cosines)
      return cosines.takeError();
    if (!sines)
      return sines.takeError();
    text += llvm::formatv("{0} = Angles({1}, {2}, {3})\n", name,
                          tables.first.getShapedType().getShape().back(),
                          *cosines, *sines);
  }
  program.text = text + main.script.print();
  program.model = model;
  return std::move(program);
}

llvm::Expected<MPSPDZProgram>
aero::writeMPSPDZProgram(ModuleOp module, const EmitOptions &options,
                         ArrayRef<Operation *> insecure) {
  auto model = readFoldedModel(module);
  if (!model)
    return model.takeError();
  return ProgramWriter(*model, options, insecure).run();
}
