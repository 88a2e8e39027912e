'use strict';

// The page: a form whose answers go to the program in the worker, and what it gives
// back. Text from documents is put into the page as text only, never as markup.
const $ = (id) => document.getElementById(id);
const smarthost = 'smarthost';
let data;

// make builds an element: make('p', {class: 'note'}, 'text', child).
function make(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') for (const [event, f] of Object.entries(value)) e.addEventListener(event, f);
    else if (value === true) e.setAttribute(name, '');
    else if (value !== false && value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// ---- the worker

const waiting = new Map();
let calls = 0;
const worker = new Worker('worker.js');
worker.onmessage = ({ data: m }) => {
  if (m.ready) { document.body.dataset.ready = 'yes'; generate(); return; }
  if (m.fault) { failed(m.fault); return; }
  waiting.get(m.id)(m.answer);
  waiting.delete(m.id);
};

function failed(fault) {
  for (const id of ['status', 'explain-status']) $(id).textContent = '';
  problem(`The generator cannot be loaded: ${fault}`);
}

// The page has asked for the program with its first line (index.html): it is compiled
// here while it arrives, and run in the worker.
(async () => {
  try {
    const response = await fetch('relayhost.wasm.gz');
    if (!response.ok) throw new Error(`relayhost.wasm.gz: ${response.status}`);
    const headers = { 'Content-Type': 'application/wasm' };
    // A server that names the encoding has its answer unpacked by the browser.
    const [seen, body] = response.body.tee();
    const reader = seen.getReader();
    const first = (await reader.read()).value || [];
    reader.cancel();
    const unpacked = first[0] === 0x1f && first[1] === 0x8b ? body.pipeThrough(new DecompressionStream('gzip')) : body;
    worker.postMessage({ program: await WebAssembly.compileStreaming(new Response(unpacked, { headers })) });
  } catch (fault) {
    failed(fault && fault.message || fault);
  }
})();

function call(name, doc) {
  return new Promise((resolve) => {
    waiting.set(++calls, resolve);
    worker.postMessage({ id: calls, name, document: doc });
  });
}

// ---- the form

const emptyHop = () => ({ relay: '', region: '', host: '', port: 0, login: true, ca_file: '' });
const emptyRoute = (name) => ({ name, senders: [], from: '', hops: [emptyHop()] });
let routes = [emptyRoute('default')];

function relayOf(id) { return data.relays.find((r) => r.id === id); }

function blockedPorts() {
  const h = data.hosts.find((one) => one.id === $('hosting').value);
  return h ? h.blocked : [];
}

function field(label, attributes, set, value) {
  return make('label', {}, `${label} `, Object.assign(make('input', { spellcheck: 'false', ...attributes, on: { input: (e) => { set(e.target.value); changed(); } } }), { value }));
}

// wanted are the relays that the search and the filters leave, and the one that is
// chosen already.
function wanted(chosen) {
  const word = $('search').value.trim().toLowerCase();
  return data.relays.filter((r) => r.id === chosen || (
    (!word || r.id.includes(word) || r.name.toLowerCase().includes(word))
    && ['free', 'no_domain', 'https', 'mailbox'].every((key) => !$(`only-${key}`).checked || r[key])));
}

function relaySelect(hop, index) {
  const list = wanted(hop.relay);
  const groups = [['Relay services', list.filter((r) => !r.mailbox)], ['Mailbox providers', list.filter((r) => r.mailbox)]];
  const select = make('select', { id: `relay-${index}`, on: { change: (e) => {
    Object.assign(hop, emptyHop(), { relay: e.target.value });
    const r = relayOf(hop.relay);
    if (r && r.region) hop.region = r.region;
    if (hop.relay === smarthost) hop.port = 587;
    showRoutes();
    changed();
  } } }, make('option', { value: '' }, 'choose a relay'));
  for (const [label, some] of groups) {
    if (some.length) select.append(make('optgroup', { label }, ...some.map((r) => make('option', { value: r.id }, r.free ? `${r.name} (free: ${r.free})` : r.name))));
  }
  select.append(make('optgroup', { label: 'Other' }, make('option', { value: smarthost }, 'Another SMTP server ...')));
  select.value = hop.relay;
  return make('label', {}, 'Relay ', select);
}

// portOf is the port that the files are for: the one that was chosen, or the first
// that the hosting provider does not block.
function portOf(hop) {
  const r = relayOf(hop.relay);
  if (hop.port || !r) return hop.port;
  return r.ports.find((p) => !blockedPorts().includes(p)) || 0;
}

function portChoice(hop, index) {
  const r = relayOf(hop.relay);
  const shut = blockedPorts();
  const name = $('hosting').selectedOptions[0].textContent;
  const one = (port, text) => {
    const blocked = shut.includes(port);
    const radio = make('input', { type: 'radio', name: `port-${index}`, id: `port-${index}-${port}`, disabled: blocked, on: { change: () => { hop.port = port; changed(); } } });
    radio.checked = hop.port === port;
    return make('label', {}, radio, blocked ? make('s', {}, text) : text, blocked ? ` blocked by ${name}` : '');
  };
  const box = make('fieldset', { class: 'ports' }, make('legend', {}, 'Port'), one(0, 'the first that is open'), ...r.ports.map((port) => one(port, String(port))));
  if (r.ports.every((port) => shut.includes(port))) box.append(make('p', { class: 'error' }, r.https ? `No port of ${r.name} is open there. It has an API over HTTPS as well: look at relayhost setup --via https.` : `No port of ${r.name} is open there: choose another relay.`));
  return box;
}

function hopFields(hop, index) {
  const row = make('div', { class: 'row' }, relaySelect(hop, index));
  const r = relayOf(hop.relay);
  if (hop.relay === smarthost) {
    row.append(field('Host', { id: `host-${index}`, placeholder: 'mail.example.net' }, (v) => { hop.host = v; }, hop.host));
    row.append(field('Port', { id: `port-${index}`, inputmode: 'numeric' }, (v) => { hop.port = Number(v) || 0; }, hop.port || ''));
    row.append(field('CA file', { id: `ca-${index}`, placeholder: "the distribution's" }, (v) => { hop.ca_file = v; }, hop.ca_file));
    row.append(make('label', {}, Object.assign(make('input', { type: 'checkbox', id: `login-${index}`, on: { change: (e) => { hop.login = e.target.checked; changed(); } } }), { checked: hop.login }), 'wants a login'));
    return [row];
  }
  if (r && (r.region || (r.regions || []).length)) {
    const list = `regions-${index}`;
    row.append(field('Region', { id: `region-${index}`, list, placeholder: r.region || 'the usual' }, (v) => { hop.region = v; }, hop.region),
      make('datalist', { id: list }, ...(r.regions || []).map((v) => make('option', { value: v }))));
  }
  return r ? [row, portChoice(hop, index)] : [row];
}

function showRoutes() {
  const focused = document.activeElement && document.activeElement.id;
  $('routes').replaceChildren(...routes.map((route, i) => {
    const box = make('fieldset', {}, make('legend', {}, i === 0 ? 'Relay' : `Route ${i}: some senders`));
    const own = make('div', { class: 'row' });
    if (i > 0) {
      own.append(field('Name', { id: `name-${i}`, placeholder: 'shop' }, (v) => { route.name = v; }, route.name));
      own.append(field('Senders: domains or addresses', { id: `senders-${i}`, placeholder: 'shop.example.com' }, (v) => { route.senders = words(v); }, route.senders.join(', ')));
    }
    own.append(field('Sender', { id: `from-${i}`, type: 'email', placeholder: 'app@example.com' }, (v) => { route.from = v; }, route.from));
    route.hops.forEach((hop, n) => {
      if (n > 0) box.append(make('p', { class: 'note' }, 'When that fails:'));
      box.append(...hopFields(hop, `${i}-${n}`));
    });
    box.append(own);
    const tools = make('p', { class: 'tools' }, make('button', { type: 'button', id: `fallback-${i}`, on: { click: () => { route.hops.push(emptyHop()); showRoutes(); changed(); } } }, 'Add a fallback'));
    if (route.hops.length > 1) tools.append(make('button', { type: 'button', on: { click: () => { route.hops.pop(); showRoutes(); changed(); } } }, 'Remove the last fallback'));
    if (i > 0) tools.append(make('button', { type: 'button', on: { click: () => { routes.splice(i, 1); showRoutes(); changed(); } } }, 'Remove this route'));
    box.append(tools);
    return box;
  }));
  if (focused && $(focused)) $(focused).focus();
}

const words = (s) => s.split(/[\s,]+/).filter(Boolean);
const plainFields = ['distribution', 'postfix', 'hostname', 'hosting', 'to', 'root_to', 'main_cf'];

function read() {
  const form = { routes, direct: words($('direct').value) };
  for (const name of plainFields) form[name] = $(name).value;
  return form;
}

// ---- the permalink: all answers but the main.cf that was pasted

function write() {
  const { main_cf: _, ...form } = read();
  const text = JSON.stringify(form, (k, v) => (v === '' || v === 0 || (Array.isArray(v) && !v.length) ? undefined : v));
  history.replaceState(null, '', `#f=${encodeURIComponent(text)}`);
}

function restore() {
  const hash = location.hash.slice(1);
  if (hash.startsWith('relay=')) {
    const r = relayOf(decodeURIComponent(hash.slice(6)));
    if (r) Object.assign(routes[0].hops[0], { relay: r.id, region: r.region || '' });
    return;
  }
  if (!hash.startsWith('f=')) return;
  try {
    const form = JSON.parse(decodeURIComponent(hash.slice(2)));
    for (const name of plainFields) if (typeof form[name] === 'string' && name !== 'main_cf') $(name).value = form[name];
    if (Array.isArray(form.direct)) $('direct').value = form.direct.join(', ');
    if (Array.isArray(form.routes) && form.routes.length) {
      routes = form.routes.slice(0, 200).map((r, i) => ({ ...emptyRoute(i ? '' : 'default'), ...r,
        senders: Array.isArray(r.senders) ? r.senders.map(String) : [],
        hops: (Array.isArray(r.hops) && r.hops.length ? r.hops : [{}]).slice(0, 10).map((h) => ({ ...emptyHop(), ...h })) }));
    }
  } catch {
    problem('The address of this page does not hold a form that can be read.');
  }
}

// ---- the result

function problem(text) {
  $('problem').hidden = !text;
  $('problem').textContent = text || '';
}

// standIn is the sender in the files until one is entered.
const standIn = 'app@example.com';

// asked is the form that the program is asked for, undefined where it cannot be yet,
// and what is said beside it.
function asked() {
  const form = read();
  form.hostname = form.hostname || 'mail.example.com';
  delete form.hosting;
  let said = '';
  if (form.routes.length === 1 && form.routes[0].hops.length === 1 && !form.routes[0].hops[0].relay) {
    const relay = relayOf(data.example);
    form.routes = [{ ...form.routes[0], hops: [{ ...emptyHop(), relay: relay.id, region: relay.region || '' }] }];
    said = `An example, with ${relay.name}. Choose a relay, and the files follow.`;
  } else if (!form.routes.every((r) => r.hops.every((h) => h.relay))) {
    return { said: 'Choose a relay to see the files.' };
  } else if (form.routes.some((r) => r.hops.some((h) => h.relay === smarthost && !h.host))) {
    return { said: 'Enter the host to see the files.' };
  } else if (!form.routes[0].from) {
    said = `${standIn} stands for the sender until you enter it.`;
  }
  form.routes = form.routes.map((r, i) => ({ ...r, from: r.from || (i === 0 ? standIn : ''), hops: r.hops.map((h) => ({ ...h, port: portOf(h) })) }));
  return { form, said };
}

// plainly is a form without what is empty, its keys in order, for comparing.
function plainly(v) {
  if (Array.isArray(v)) return v.map(plainly);
  if (!v || typeof v !== 'object') return v;
  return Object.fromEntries(Object.entries(v).filter(([, x]) => x && !(Array.isArray(x) && !x.length)).sort().map(([key, x]) => [key, plainly(x)]));
}

// kept is the answer that came with the page, where it has one for this form: it made
// the files of each relay when it was built (cmd/web).
async function kept(form) {
  const relay = form.routes[0].hops[0].relay;
  if (relay === smarthost) return undefined;
  const response = await fetch(`first/${relay}.json`);
  if (!response.ok) return undefined;
  const first = await response.json();
  return JSON.stringify(plainly(first.form)) === JSON.stringify(plainly(form)) ? first.answer : undefined;
}

// generate shows the files for the form. One question is with the worker at a time;
// what changes meanwhile is asked when its answer is there.
let asking = false;
let again = false;
async function generate() {
  if (!data) return;
  if (asking) { again = true; return; }
  asking = true;
  do {
    again = false;
    await generateOnce();
  } while (again);
  asking = false;
}

async function generateOnce() {
  const { form, said } = asked();
  const ready = document.body.dataset.ready === 'yes';
  if (!form) {
    problem('');
    $('result').hidden = true;
    if (ready) $('status').textContent = said;
    return;
  }
  const g = ready ? await call('generate', form) : await kept(form).catch(() => undefined);
  if (again || !g) return;
  $('status').textContent = said;
  problem(g.error ? [g.field && g.field + ':', g.error, g.hint && `(${g.hint})`].filter(Boolean).join(' ') : '');
  $('result').hidden = Boolean(g.error) && !(g.findings || []).length;
  showResult(g, form);
}

function copyTools(name, text) {
  const said = make('span', { role: 'status' });
  return make('p', { class: 'tools' },
    make('button', { type: 'button', 'aria-label': `Copy ${name}`, on: { click: async () => {
      try { await navigator.clipboard.writeText(text); said.textContent = 'Copied.'; } catch { said.textContent = 'Select the text and copy it: the browser does not allow it here.'; }
    } } }, 'Copy'),
    make('button', { type: 'button', 'aria-label': `Download ${name}`, on: { click: () => {
      const a = make('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/plain' })), download: name });
      a.click();
      URL.revokeObjectURL(a.href);
    } } }, 'Download'), said);
}

const block = (text) => make('pre', { tabindex: '0' }, text);

function reasons(lines) {
  const seen = new Set();
  const rows = lines.filter((l) => l.reason && !seen.has(l.text) && seen.add(l.text)).map((l) => make('tr', {},
    make('td', {}, make('code', {}, l.text.trim())), make('td', {}, ...code(l.reason.why), ` (${l.reason.manual})`)));
  if (!rows.length) return [];
  return [make('details', {}, make('summary', {}, 'Why each line'),
    make('table', {}, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'Line'), make('th', { scope: 'col' }, 'Reason'))), make('tbody', {}, ...rows)))];
}

// code shows `this` of Markdown as code.
const code = (s) => s.split('`').map((t, i) => (i % 2 ? make('code', {}, t) : t));

function showResult(g, form) {
  const parts = [];
  if ((g.findings || []).length) {
    parts.push(make('h2', {}, 'What is wrong in your main.cf'), make('ul', { id: 'findings' }, ...g.findings.map((f) => make('li', {}, f.line ? `line ${f.line}: ` : '', f.detail, f.remedy ? ` ${f.remedy}` : ''))));
  }
  if (!g.error) {
    parts.push(make('h2', {}, 'With relayhost on the server'), block(g.setup), copyTools('setup.txt', `${g.setup}\n`));
    if (g.notes) parts.push(make('ul', { class: 'note' }, ...g.notes.map((n) => make('li', {}, n))));
    for (const f of g.files) {
      const text = form.main_cf && f.action === 'modify' ? f.diff : f.added.map((l) => l.text).join('\n');
      const what = f.action === 'modify' ? 'lines to add' : `new file, mode ${f.mode}`;
      parts.push(make('section', { class: 'file', 'data-path': f.path }, make('h2', {}, f.path, make('span', { class: 'note' }, ` ${what}`)), block(text), copyTools(f.path.split('/').pop(), `${text}\n`), ...reasons(f.added)));
    }
    if (g.commands.length) {
      parts.push(make('h2', {}, 'Then run'), make('table', { id: 'commands' }, make('tbody', {}, ...g.commands.map((c) => make('tr', {}, make('td', {}, make('code', {}, c.line)), make('td', {}, c.why))))));
    }
    for (const [title, name, text] of [['Ansible', 'relay.yml', g.ansible], ['cloud-init', 'user-data.yaml', g.cloud_init]]) {
      if (text) parts.push(make('details', {}, make('summary', {}, title), block(text), copyTools(name, text)));
    }
  }
  $('result').replaceChildren(...parts);
}

function changed() {
  write();
  generate();
}

// ---- explain

const labels = { run: 'Run', do: 'What to do', why: 'Why', mail: 'The mail', or: 'Or', hence: 'Hence', seen: 'Seen', line: 'Said', source: 'Source', here: 'Here' };

function shownItem({ label, text }) {
  const dd = make('dd');
  if (label === 'run' || label === 'line') dd.append(block(text));
  else if (/^https:/.test(text)) dd.append(make('a', { href: text, rel: 'noreferrer' }, text));
  else dd.append(text);
  return [make('dt', {}, labels[label] || label), dd];
}

function showAnswer(a) {
  const out = [];
  if (a.error) out.push(make('p', { class: 'error' }, a.error));
  (a.shown || []).forEach((g, i) => {
    out.push(make('section', { class: 'cause', 'data-cause': a.groups[i].cause.id }, make('h2', {}, g.heading), make('dl', {}, ...g.items.flatMap(shownItem))));
  });
  if (a.report) out.push(make('p', {}, 'What would help: the three lines before this one, and the relay that said it. If it stays unknown, please report it with this text; names and addresses are masked:'), block(a.report));
  if (a.rest) out.push(make('p', {}, a.rest));
  $('answer').replaceChildren(...out);
}

$('explain-form').addEventListener('submit', async (e) => {
  e.preventDefault();
  const text = $('text').value;
  if (!text.trim()) { $('explain-status').textContent = 'Paste a text first.'; return; }
  $('explain-status').textContent = 'Reading ...';
  const a = await call('explain', { text, relay: $('explain-relay').value });
  $('explain-status').textContent = '';
  showAnswer(a);
});

// ---- the page as a whole

function show() {
  const explain = location.hash === '#explain';
  $('generate').hidden = explain;
  $('explain').hidden = !explain;
  for (const [id, on] of [['tab-explain', explain], ['tab-generate', !explain]]) {
    if (on) $(id).setAttribute('aria-current', 'page'); else $(id).removeAttribute('aria-current');
  }
}

function filtered() {
  showRoutes();
  const n = wanted('').length;
  $('found').textContent = n === data.relays.length ? '' : `${n} of ${data.relays.length} relays`;
}

// dated says of when a fact is, and marks one that is older than a year today.
function dated(day) {
  return `as of ${day}${Date.now() - new Date(day) > 365 * 24 * 3600 * 1000 ? ', older than a year' : ''}`;
}

function hostingChanged() {
  const h = data.hosts.find((one) => one.id === $('hosting').value);
  const note = $('blocked');
  note.hidden = !h;
  if (h) {
    note.textContent = h.blocked.length ? `${h.name} blocks port ${h.blocked.join(', ')} outbound${h.applies ? `: ${h.applies}` : ''} (${dated(h.as_of)}).` : `No source says that ${h.name} blocks a port of mail (${dated(h.as_of)}).`;
  }
  showRoutes();
}

async function begin() {
  data = await (await fetch('data.json')).json();
  $('distribution').append(...data.distributions.map((d) => make('option', { value: d.id }, d.name)));
  $('hosting').append(...data.hosts.map((h) => make('option', { value: h.id }, h.name)));
  $('explain-relay').append(...data.relays.map((r) => make('option', { value: r.id }, r.name)));
  const days = (Date.now() - Date.parse(data.date)) / 864e5;
  if (days > 365) $('age').textContent = ', which is more than a year ago: look whether there is a newer one';
  restore();
  hostingChanged();
  show();
  for (const name of plainFields.concat('direct')) $(name).addEventListener('input', () => { if (name === 'hosting') hostingChanged(); changed(); });
  for (const id of ['search', 'only-free', 'only-no_domain', 'only-https', 'only-mailbox']) $(id).addEventListener('input', filtered);
  $('add-route').addEventListener('click', () => { routes.push(emptyRoute(`route${routes.length}`)); showRoutes(); changed(); });
  $('form').addEventListener('submit', (e) => e.preventDefault());
  addEventListener('hashchange', () => { if (!location.hash.startsWith('#f=')) show(); });
  document.body.dataset.form = 'yes';
  generate();
  if ('serviceWorker' in navigator && location.protocol.startsWith('http')) navigator.serviceWorker.register('sw.js').catch(() => {});
}

begin().catch((fault) => problem(`The page cannot be loaded: ${fault.message}`));
