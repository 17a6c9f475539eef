// Canvases that were drawn on and are kept.
"use strict";

const kept = [];

function draw() {
  const canvas = document.createElement("canvas");
  canvas.width = 512;
  canvas.height = 1024; // of 4 bytes each: 2 MiB
  const context = canvas.getContext("2d");
  context.fillStyle = "teal";
  context.fillRect(0, 0, 512, 1024);
  context.getImageData(0, 0, 1, 1);
  return canvas;
}

function leak() {
  kept.push(draw());
}

function churn() {
  kept[0] = draw();
}
