// A database to which each visit adds a record of 1 MiB. The twin writes the same one.
"use strict";

async function done(request) {
  return (await new Promise((resolve, reject) => {
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  })).target.result;
}

async function put(key, bytes) {
  const request = indexedDB.open("visits", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("pages");
  const database = await done(request);
  const change = database.transaction("pages", "readwrite", {durability: "strict"});
  change.objectStore("pages").put(bytes, key);
  await new Promise((resolve, reject) => {
    change.oncomplete = resolve;
    change.onabort = () => reject(change.error);
  });
  database.close();
}

function leak(visit) {
  return put(once(), noise(1 << 20, visit));
}

function churn(visit) {
  return put(0, noise(1 << 20, visit));
}
