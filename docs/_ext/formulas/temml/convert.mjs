// Answers every line of input, a formula as JSON, with a line: its MathML, or what is wrong with it.
import temml from "./temml.mjs";

const answer = ({ tex, displayMode }) => {
  const faults = [];
  console.log = (words) => faults.push(words); // a warning is a fault, and standard output is ours
  const options = { displayMode, annotate: true, strict: true, throwOnError: true };
  try {
    const mathml = temml.renderToString(tex, options);
    return faults.length ? { fault: faults.join("; ") } : { mathml };
  } catch (error) {
    return { fault: error.message };
  }
};

const write = (text) => {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
};

let rest = "";
for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + part).split("\n");
  rest = lines.pop();
  for (const line of lines) write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
