# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface, from a language that knows nothing of AERO's C++: its report
says what aero inspect says."""

from __future__ import annotations

import ctypes
import json
import unittest

import onnx

from support import BASELINE, BIN, SOFTMAX_ONLY, ToolTest, run_json

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Binding(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("size", ctypes.c_int64)]


class ImportOptions(ctypes.Structure):
    _fields_ = [("bindings", ctypes.POINTER(Binding)),
                ("binding_count", ctypes.c_size_t),
                ("fixed_inputs", ctypes.POINTER(ctypes.c_char_p)),
                ("fixed_input_count", ctypes.c_size_t)]


def load() -> ctypes.CDLL:
    library = ctypes.CDLL(str(BIN.parent / "lib" / "libAeroCAPI.so"))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (
            ("aeroContextCreate", pointer, [HANDLER, pointer]),
            ("aeroContextDestroy", None, [pointer]),
            ("aeroModuleImportONNX", pointer, [pointer, text, pointer]),
            ("aeroModuleApplyConfiguration", ctypes.c_bool, [pointer, text]),
            ("aeroModuleReport", pointer, [pointer]),
            ("aeroModuleDestroy", None, [pointer]),
            ("aeroStringDestroy", None, [pointer])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class CInterfaceTest(ToolTest):

    def report(self, model, config: str,
               options: ImportOptions | None = None) -> dict:
        library, messages = load(), []
        handler = HANDLER(lambda severity, message, _: messages.append(message))
        context = library.aeroContextCreate(handler, None)
        module = library.aeroModuleImportONNX(
            context, str(model).encode(), options and ctypes.byref(options))
        self.assertTrue(module, messages)
        self.assertTrue(
            library.aeroModuleApplyConfiguration(module, config.encode()),
            messages)
        text = library.aeroModuleReport(module)
        report = json.loads(ctypes.string_at(text))
        library.aeroStringDestroy(text)
        library.aeroModuleDestroy(module)
        library.aeroContextDestroy(context)
        return report

    def compare(self, model, config: str) -> None:
        report = self.report(model, config)
        inspected = run_json("aero", "inspect", model, "--config", config)
        self.assertEqual(report["nonlinear"], inspected["nonlinear"])
        self.assertEqual(report["products"], inspected["products"])
        self.assertEqual(report["layers"], inspected["architecture"]["layers"])
        for key in ("total", "kinds"):
            self.assertEqual(report["parameters"][key],
                             inspected["parameters"][key])

    def test_baseline(self) -> None:
        self.compare(BASELINE, "as-is")

    def test_configuration(self) -> None:
        self.compare(SOFTMAX_ONLY, "SM+ScFuFFN")

    def test_open_dimension(self) -> None:
        model = onnx.load(str(SOFTMAX_ONLY))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
        path = self.folder / "open.onnx"
        onnx.save(model, str(path))
        binding = Binding(b"batch", 1)
        options = ImportOptions(ctypes.pointer(binding), 1, None, 0)
        self.assertEqual(self.report(path, "SM", options),
                         self.report(SOFTMAX_ONLY, "SM"))


if __name__ == "__main__":
    unittest.main()
