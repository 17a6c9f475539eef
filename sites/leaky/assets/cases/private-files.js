// Files in the origin's private file system.
"use strict";

async function write(name, visit) {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle(name, {create: true});
  const writable = await file.createWritable();
  await writable.write(noise(1 << 20, visit));
  await writable.close();
}

function leak(visit) {
  return write("visit-" + once(), visit);
}

function churn(visit) {
  return write("visit", visit);
}
