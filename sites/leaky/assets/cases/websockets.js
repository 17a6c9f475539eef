// Websockets that are never closed.
"use strict";

const kept = [];

async function open() {
  const socket = new WebSocket(new URL("socket", location.href.replace(/^http/, "ws")));
  await happened(socket, "open");
  return socket;
}

async function leak() {
  kept.push(await open());
}

async function churn() {
  const socket = await open();
  const closed = happened(socket, "close");
  socket.close();
  await closed;
}
