// Addresses of blobs that are never revoked: the browser process holds their bytes.
"use strict";

function leak() {
  return fetched(URL.createObjectURL(new Blob([touched(2 << 20)])));
}

async function churn() {
  const address = URL.createObjectURL(new Blob([touched(2 << 20)]));
  await fetched(address);
  URL.revokeObjectURL(address);
}

// fetched is when the bytes have come back from the browser process.
async function fetched(address) {
  await (await fetch(address)).arrayBuffer();
}
