// A cache to which each visit adds an answer.
"use strict";

async function put(address, visit) {
  const cache = await caches.open("answers");
  await cache.put(address, new Response(noise(1 << 20, visit)));
}

function leak(visit) {
  return put("/answer/" + once(), visit);
}

function churn(visit) {
  return put("/answer/", visit);
}
