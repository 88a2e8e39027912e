// The worker holds the program, so that a long log does not stop the page.
'use strict';
importScripts('wasm_exec.js');

let ready;
const running = new Promise((resolve) => { ready = resolve; });
self.relayhostReady = () => ready();

(async () => {
  try {
    const response = await fetch('relayhost.wasm.gz');
    if (!response.ok) throw new Error(`relayhost.wasm.gz: ${response.status}`);
    // A server that names the encoding has its answer unpacked by the browser.
    const packed = new Uint8Array(await response.arrayBuffer());
    const body = packed[0] === 0x1f && packed[1] === 0x8b
      ? new Response(packed).body.pipeThrough(new DecompressionStream('gzip'))
      : new Response(packed).body;
    const go = new Go();
    const { instance } = await WebAssembly.instantiateStreaming(
      new Response(body, { headers: { 'Content-Type': 'application/wasm' } }), go.importObject);
    go.run(instance);
    await running;
    postMessage({ ready: true });
  } catch (fault) {
    postMessage({ fault: String(fault && fault.message || fault) });
  }
})();

onmessage = async (event) => {
  const { id, name, document } = event.data;
  await running;
  let answer;
  try {
    answer = JSON.parse(self.relayhost(name, JSON.stringify(document)));
  } catch (fault) {
    answer = { error: String(fault && fault.message || fault) };
  }
  postMessage({ id, answer });
};
