// Keeps the page for use without a network. A new version of any file is a new cache.
'use strict';
const cache = 'relayhost-@version@';
const files = @files@;

addEventListener('install', (event) => {
  event.waitUntil(caches.open(cache).then((c) => c.addAll(files.map((f) => new Request(f, { cache: 'reload' })))).then(() => skipWaiting()));
});

addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith('relayhost-') && name !== cache) await caches.delete(name);
    }
    await clients.claim();
  })());
});

// A server may lead index.html to its directory, and no page is opened from an answer that was led elsewhere.
const whole = (r) => r.redirected ? new Response(r.body, { status: r.status, headers: r.headers }) : r;

addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  event.respondWith((async () => {
    const kept = await caches.match(event.request, { ignoreSearch: true });
    if (kept) return whole(kept);
    if (url.origin + url.pathname === registration.scope) { // a permalink has a fragment
      const start = await caches.match('index.html');
      if (start) return whole(start);
    }
    return fetch(event.request);
  })());
});
