'use strict';
// The worker runs the program, so that a long log does not stop the page.
importScripts('wasm_exec.js');

let ready;
const running = new Promise((resolve) => { ready = resolve; });
self.relayhostReady = () => ready();

async function run(program) {
  try {
    const go = new Go();
    go.env = { GOGC: '400' }; // there is one thread: what the collector takes, an answer waits for
    go.run(await WebAssembly.instantiate(program, go.importObject));
    await running;
    postMessage({ ready: true });
  } catch (fault) {
    postMessage({ fault: String(fault && fault.message || fault) });
  }
}

onmessage = async (event) => {
  if (event.data.program) { run(event.data.program); return; }
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
