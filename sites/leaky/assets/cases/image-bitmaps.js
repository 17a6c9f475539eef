// Bitmaps that are never closed.
"use strict";

const kept = [];

function make() {
  const pixels = new ImageData(512, 1024); // of 4 bytes each: 2 MiB
  pixels.data.fill(127);
  return createImageBitmap(pixels);
}

async function leak() {
  kept.push(await make());
}

async function churn() {
  (await make()).close();
}
