// The page in a real Chromium: node test.mjs SITE CASES SCREENSHOTS. SITE is what
// `make web` wrote; CASES has forms and texts with what the program gives for them.
import { createServer } from 'node:http';
import { readFile, mkdir } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [site, casesFile, shots] = process.argv.slice(2);
const cases = JSON.parse(await readFile(casesFile, 'utf8'));
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
await mkdir(shots, { recursive: true });

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };
const server = createServer(async (req, res) => {
  try {
    let path = normalize(decodeURIComponent(new URL(req.url, 'http://x').pathname)).replace('/some/path', '');
    if (path === '' || path.endsWith('/')) path += 'index.html';
    const body = await readFile(join(site, path));
    res.writeHead(200, { 'Content-Type': types[extname(path)] || 'application/octet-stream' });
    res.end(body);
  } catch {
    res.writeHead(404).end();
  }
});
await new Promise((r) => server.listen(0, '127.0.0.1', r));
const base = `http://127.0.0.1:${server.address().port}/some/path/`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'] });
let failures = 0;
const fail = (what) => { failures++; console.log(`FAIL ${what}`); };
const figures = {};

// open gives a page whose faults are counted: console errors, and requests to others.
async function open(hash = '', options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('console', (m) => { if (m.type() === 'error') fail(`console: ${m.text()}`); });
  page.on('pageerror', (e) => fail(`page: ${e.message}`));
  page.on('request', (r) => { if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) fail(`a request to ${r.url()}`); });
  await page.goto(base + hash);
  await page.waitForSelector('body[data-form=yes]');
  await page.waitForSelector('body[data-ready=yes]', { timeout: 30000 });
  return page;
}

async function test(name, f) {
  const before = failures;
  try {
    await f();
  } catch (e) {
    fail(`${name}: ${e.message.split('\n').slice(0, 4).join(' ')}`);
  }
  console.log(`${failures === before ? 'ok  ' : 'FAIL'} ${name}`);
}

const hashOf = (form) => `#f=${encodeURIComponent(JSON.stringify(form))}`;
const shown = (page) => page.$$eval('.file', (list) => list.map((f) => ({ path: f.dataset.path, text: f.querySelector('pre').textContent })));

await test('the files of each form are those of the program', async () => {
  const page = await open();
  for (const c of cases.forms) {
    await page.evaluate((hash) => { location.hash = hash; }, hashOf(c.form));
    await page.reload();
    await page.waitForSelector('body[data-ready=yes]');
    await page.waitForSelector('.file', { timeout: 10000 });
    const got = JSON.stringify(await shown(page));
    const want = JSON.stringify(c.files);
    if (got !== want) fail(`${c.name}: got ${got.slice(0, 400)} want ${want.slice(0, 400)}`);
  }
  await page.context().close();
});

await test('each text is explained as by the program', async () => {
  const page = await open('#explain');
  for (const c of cases.texts) {
    await page.fill('#text', c.text);
    await page.selectOption('#explain-relay', c.relay || '');
    await page.click('#explain-form button');
    await page.waitForFunction(() => document.getElementById('explain-status').textContent === '');
    const got = (await page.$$eval('.cause', (l) => l.map((e) => e.dataset.cause))).join(' ');
    if (got !== c.causes.join(' ')) fail(`${c.text.slice(0, 80)}: got ${got}, want ${c.causes.join(' ')}`);
  }
  await page.context().close();
});

await test('typing and choosing, and the permalink there and back', async () => {
  const page = await open();
  await page.selectOption('#relay-0-0', 'ses');
  await page.fill('#from-0', 'app@example.com');
  await page.fill('#hostname', 'mail.example.com');
  await page.waitForSelector('.file');
  const link = page.url();
  const first = JSON.stringify(await shown(page));
  const times = [];
  for (const port of ['465', '587', '2587', '465', '587']) {
    const begin = Date.now();
    const before = await page.evaluate(() => document.querySelector('[data-path$="main.cf"] pre').textContent);
    await page.selectOption('#port-0-0', port);
    await page.waitForFunction((old) => document.querySelector('[data-path$="main.cf"] pre').textContent !== old, before);
    times.push(Date.now() - begin);
  }
  figures.later = Math.min(...times);
  await page.goto('about:blank');
  await page.goto(link);
  await page.waitForSelector('.file');
  if (JSON.stringify(await shown(page)) !== first) fail('the permalink gives other files');
  await page.screenshot({ path: join(shots, 'generate.png'), fullPage: false });
  await page.context().close();
});

await test('the first files within a second of navigation', async () => {
  const page = await open();
  const c = cases.forms[0];
  const times = [];
  for (let i = 0; i < 3; i++) {
    await page.goto('about:blank');
    const begin = Date.now();
    await page.goto(base + hashOf(c.form));
    await page.waitForSelector('.file');
    times.push(Date.now() - begin);
  }
  figures.first = Math.min(...times);
  await page.context().close();
});

await test('a hostile main.cf', async () => {
  const page = await open(hashOf(cases.forms[0].form));
  await page.waitForSelector('.file');
  await page.click('#more summary');
  for (const text of ['<img src=x onerror=alert(1)>\n', 'myhostname = a\u0000b\n', 'myhostname = <script>alert(1)</script>\n', `# ${'x'.repeat(10 << 20)}\nmyhostname = a.example.com\n`]) {
    await page.evaluate((t) => { const e = document.getElementById('main_cf'); e.value = t; e.dispatchEvent(new Event('input', { bubbles: true })); }, text);
    await page.waitForTimeout(1500);
    if (await page.$('#result img, #result script, #problem img')) fail('markup of a pasted text is in the page');
  }
  await page.context().close();
});

await test('ports that the hosting provider blocks are crossed out', async () => {
  const page = await open();
  await page.selectOption('#relay-0-0', 'sendgrid');
  await page.selectOption('#hosting', 'digitalocean');
  const text = await page.$eval('#blocked', (e) => e.textContent);
  if (!/blocks port/.test(text)) fail(`got ${text}`);
  if (!(await page.$eval('#port-0-0', (s) => [...s.options].some((o) => o.disabled)))) fail('no port is disabled');
  await page.context().close();
});

await test('keyboard only', async () => {
  const page = await open();
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.textContent);
  if (first !== 'Skip to the content') fail(`the first stop is ${first}`);
  for (let i = 0; i < 60 && await page.evaluate(() => document.activeElement.id) !== 'relay-0-0'; i++) await page.keyboard.press('Tab');
  await page.keyboard.type('SendGrid');
  await page.keyboard.press('Tab');
  for (let i = 0; i < 10 && await page.evaluate(() => document.activeElement.id) !== 'from-0'; i++) await page.keyboard.press('Tab');
  await page.keyboard.type('app@example.com');
  await page.waitForSelector('.file', { timeout: 5000 });
  await page.context().close();
});

await test('a phone', async () => {
  const page = await open(hashOf(cases.forms[0].form), { viewport: { width: 360, height: 740 } });
  await page.waitForSelector('.file');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 360) fail(`${wide} pixels wide`);
  await page.screenshot({ path: join(shots, 'phone.png') });
  await page.context().close();
});

for (const scheme of ['light', 'dark']) {
  await test(`axe-core, ${scheme}`, async () => {
    for (const where of [hashOf(cases.forms[0].form), '#explain', 'lookup.html', 'relay/ses.html']) {
      const context = await browser.newContext({ colorScheme: scheme, bypassCSP: true });
      const page = await context.newPage();
      await page.goto(base + where);
      if (!where.endsWith('.html')) await page.waitForSelector('body[data-ready=yes]');
      if (where.startsWith('#f=')) await page.waitForSelector('.file');
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run());
      for (const v of result.violations) {
        if (['serious', 'critical'].includes(v.impact)) fail(`${where.slice(0, 20)}: ${v.id}: ${v.nodes[0].html.slice(0, 120)}`);
      }
      if (where === '#explain') await page.screenshot({ path: join(shots, `explain-${scheme}.png`) });
      await context.close();
    }
  });
}

await test('without a network after the first load', async () => {
  const page = await open(hashOf(cases.forms[0].form));
  await page.waitForSelector('.file');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForTimeout(500);
  await page.context().setOffline(true);
  await page.reload();
  await page.waitForSelector('.file', { timeout: 10000 });
  await page.context().close();
});

console.log(`figure: first files after ${figures.first} ms (bound 1000), later ones after ${figures.later} ms (bound 50, and 20 that the page waits for the next key)`);
if (figures.first > 1000) fail('the first files come too late');
if (figures.later > 70) fail('later files come too late');
await browser.close();
server.close();
process.exit(failures ? 1 : 0);
