// Textures of a WebGL context that are never deleted: the GPU process holds them.
"use strict";

const gl = document.createElement("canvas").getContext("webgl");
const pixels = new Uint8Array(1000 * 1000 * 4).fill(127); // 4 MB
const kept = [];

function upload() {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1000, 1000, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  gl.finish();
  return texture;
}

function leak() {
  kept.push(upload());
}

function churn() {
  gl.deleteTexture(upload());
  gl.finish();
}
