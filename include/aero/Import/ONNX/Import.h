//===- Import.h - ONNX models into the pi dialect -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_IMPORT_ONNX_IMPORT_H
#define AERO_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aero {

/// An input of the graph that is public and known in advance: a mask without
/// padding, positions that count up. It becomes a constant and is no argument
/// of the function any more.
struct FixedInput {
  enum class Kind {
    /// Every element is `number`.
    Fill,
    /// 0, 1, 2, ... along the last dimension.
    Range,
    /// The elements of `elements`, whose shape is the input's.
    Elements,
  };

  std::string name;
  Kind kind = Kind::Fill;
  double number = 0;
  mlir::DenseElementsAttr elements;
};

struct ImportOptions {
  /// The most elements that one folded constant may have. Shape arithmetic and
  /// masks are far below; a model above it is refused, not folded in part. All
  /// constants together may take a small multiple of it.
  int64_t maxFoldedElements = int64_t(1) << 26;

  /// The most nodes that the graph may have after functions and branches were
  /// inlined: a small file can unfold without bound.
  int64_t maxNodes = int64_t(1) << 20;

  /// Sizes of dimensions that the file leaves open: by their symbol ("batch"),
  /// or by input and position ("input_ids.1", from 0). The latter wins.
  llvm::StringMap<int64_t> bindings;

  std::vector<FixedInput> fixedInputs;

  /// The graph outputs that become results, in this order; empty means all.
  std::vector<std::string> outputs;
};

/// An input or output of the graph, as the file declares it and as it was
/// imported.
struct GraphValue {
  struct Dimension {
    /// The symbol in the file, or empty.
    std::string symbol;
    int64_t size = 0;
    /// The size is not in the file but was bound.
    bool bound = false;
  };
  enum class Role {
    /// An argument or a result of the function.
    Value,
    /// A FixedInput.
    Fixed,
    /// An input without elements, an input that nothing reads, or an output
    /// that was not asked for: not part of the function.
    Dropped,
  };

  std::string name;
  /// "float", "int64" and so on, as the file has it.
  std::string elementType;
  std::vector<Dimension> shape;
  Role role = Role::Value;
};

/// What the file says about itself, for people.
struct ImportSummary {
  std::string producer;
  int64_t opset = 0;
  /// Nodes of the graph, after functions were inlined.
  int64_t nodes = 0;
  std::vector<GraphValue> inputs, outputs;
};

/// A node that cannot be imported.
struct UnsupportedNode {
  std::string name, op, domain;
  int64_t opset = 0;
  /// Why, as a phrase, and what to do about it (may be empty).
  std::string why, hint;
};

/// Everything that kept a model from being imported.
class ImportError : public llvm::ErrorInfo<ImportError> {
public:
  static char ID;

  ImportError(std::string file, std::vector<UnsupportedNode> unsupported,
              std::vector<std::string> problems)
      : file(std::move(file)), unsupported(std::move(unsupported)),
        problems(std::move(problems)) {}

  llvm::StringRef getFile() const { return file; }
  llvm::ArrayRef<UnsupportedNode> getUnsupported() const { return unsupported; }
  /// All other faults: phrases to be put after the file's name.
  llvm::ArrayRef<std::string> getProblems() const { return problems; }

  /// One line each, every line with the file's name first and a remedy last.
  /// All unsupported nodes are in one line.
  std::vector<std::string> getMessages() const;
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::string file;
  std::vector<UnsupportedNode> unsupported;
  std::vector<std::string> problems;
};

/// Reads an ONNX model (opset 11 to 23) as a module with one function `@main`,
/// whose arguments are the graph's inputs and whose results are its outputs, in
/// low-level `pi` ops; `pi-raise` comes next.
///
/// Every shape is static afterwards: symbolic dimensions need a binding, and
/// what the graph computes from shapes and public constants alone becomes
/// `pi.constant`. Float initializers become `pi.weight` under their names,
/// nodes that no output needs disappear, model-local functions are inlined.
/// Every op's location is the ONNX node's name, that of an argument the input's
/// name, that of the return the outputs' names. f16, bf16 and f64 become f32.
///
/// The bytes of f32 weights are moved out of the file's message, or mapped if
/// they are external data, not copied: a large model takes about the size of
/// its file in memory, and one with external data next to nothing. External
/// files have to lie in the model's folder and must not change while the module
/// lives. A matrix that the file holds twice, once transposed, becomes one
/// weight and a `pi.transpose`.
///
/// Loads the dialects that it needs into `context`. Any fault of the file is an
/// ImportError. If given, `summary` is filled as far as the import came.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::StringRef path, mlir::MLIRContext &context,
           const ImportOptions &options = {}, ImportSummary *summary = nullptr);

/// As above, from memory; the buffer's identifier stands for the path. External
/// data is refused.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::MemoryBufferRef buffer, mlir::MLIRContext &context,
           const ImportOptions &options = {}, ImportSummary *summary = nullptr);

/// An operator that can be imported, for the documentation and its test.
struct SupportedOperator {
  std::string domain, name;
  /// The operator sets in which its semantics are known, first and last.
  int64_t firstOpset = 0, lastOpset = 0;
  /// On values that depend on an input or a weight; otherwise only public
  /// constants are evaluated.
  bool atRunTime = false;
};

/// All of them, sorted by domain and name.
std::vector<SupportedOperator> getSupportedOperators();

/// Parses "NAME=SIZE" into `options.bindings`. Errors say what is expected.
llvm::Error parseBinding(llvm::StringRef text, ImportOptions &options);

/// Parses "NAME=NUMBER" or "NAME=range" into `options.fixedInputs`.
llvm::Error parseFixedInput(llvm::StringRef text, ImportOptions &options);

/// Registers `--import-onnx` with mlir-translate.
void registerImportONNXTranslation();

} // namespace aero

#endif // AERO_IMPORT_ONNX_IMPORT_H
