// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs any model on ONNX Runtime: node evaluate.js REQUEST.json...
// A request names a model, its inputs and a folder for the outputs:
//   {"model": PATH, "inputs": [{"name", "type", "dims", "file"}], "outputs": DIR}
// where "type" is a type of ONNX Runtime (float32, int64, bool, ...) and "file"
// holds the raw little-endian elements. DIR receives one such file an output and
// outputs.json, a list of the same kind as "inputs". Relative paths are relative
// to the request. A request that fails is reported, and the others still run.

const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

// What holds the elements of each type; half floats travel as their bits.
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

function readTensor(folder, {name, type, dims, file}) {
  const Elements = ARRAYS[type];
  if (!Elements) throw new Error(`input ${name} has unknown type ${type}`);
  const bytes = fs.readFileSync(path.resolve(folder, file));
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (bytes.byteLength !== count * Elements.BYTES_PER_ELEMENT) {
    throw new Error(`input ${name}: ${file} does not hold ${count} ${type}`);
  }
  // The copy aligns the elements, which a pooled Buffer does not promise.
  const data = new Elements(new Uint8Array(bytes).buffer);
  return new ort.Tensor(type, data, dims);
}

// Requests for one model that follow each other share its session.
class Sessions {
  async get(model) {
    if (model !== this.model) {
      await this.release();
      this.session =
          await ort.InferenceSession.create(model, {logSeverityLevel: 3});
      this.model = model;
    }
    return this.session;
  }

  async release() {
    const session = this.session;
    this.model = this.session = undefined;
    if (session) await session.release();
  }
}

async function evaluate(request, folder, sessions) {
  const session = await sessions.get(path.resolve(folder, request.model));
  const feeds = {};
  for (const input of request.inputs) {
    feeds[input.name] = readTensor(folder, input);
  }
  const results = await session.run(feeds);
  const out = path.resolve(folder, request.outputs);
  fs.mkdirSync(out, {recursive: true});
  const listed = session.outputNames.map((name, index) => {
    const {data, type, dims} = results[name];
    const file = `${index}.raw`;
    fs.writeFileSync(
        path.join(out, file),
        Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    return {name, type, dims: Array.from(dims), file};
  });
  fs.writeFileSync(path.join(out, 'outputs.json'), JSON.stringify(listed));
}

async function main() {
  const files = process.argv.slice(2);
  if (files.length === 0) {
    throw new Error('usage: node evaluate.js REQUEST.json...');
  }
  const sessions = new Sessions();
  for (const file of files) {
    let model = file;
    try {
      const request = JSON.parse(fs.readFileSync(file, 'utf8'));
      model = request.model;
      await evaluate(request, path.dirname(path.resolve(file)), sessions);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      console.error(`${model}: ${text.replace(/\s*\n\s*/g, ' ')}`);
      process.exitCode = 1;
    }
  }
  await sessions.release();
}

main().catch(error => {
  console.error(String(error));
  process.exitCode = 1;
});
