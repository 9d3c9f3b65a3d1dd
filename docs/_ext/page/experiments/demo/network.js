// The trained network on the reader's own device, run by ONNX Runtime.

const MODULES = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs"]; // the second by the first

/** The bytes of a gzip file, whether the server has unpacked it on the way or not. */
async function unpacked(response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.buffer;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Fetch a file of this site; the error names the file that could not be had. */
async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status} ${address}`);
  return response;
}

/**
 * Load ONNX Runtime and the network from a folder of this site.
 * @returns {Promise<(input: Float32Array) => Promise<object>>} a function that gives for one 32×32
 *   picture `scores` (10), `first` (32·32·32, the first feature maps) and `maps` (10·8·8).
 */
export async function loadNetwork(folder) {
  const runtime = new URL(`${folder}../onnxruntime/`, document.baseURI).href;
  // fetched first: browsers that failed to load a module once do not try again
  for (const name of MODULES) await (await fetched(`${runtime}${name}`)).arrayBuffer();
  const ort = await import(`${runtime}${MODULES[0]}`);
  ort.env.wasm.numThreads = 1; // more need headers that a plain server does not send
  const packed = await fetched(`${runtime}ort-wasm-simd-threaded.wasm.gz`);
  ort.env.wasm.wasmBinary = await unpacked(packed);
  const graph = await (await fetched(`${folder}resnet10.onnx`)).arrayBuffer();
  const session = await ort.InferenceSession.create(new Uint8Array(graph));
  return async (input) => {
    const image = new ort.Tensor("float32", input, [1, 3, 32, 32]);
    const outputs = await session.run({ image });
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  };
}
