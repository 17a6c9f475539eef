// A shared worker: it lives while a page knows it, or until it is told to close.
"use strict";

onconnect = connection => {
  const port = connection.ports[0];
  port.onmessage = message => {
    port.postMessage("here");
    if (message.data === "close") close();
  };
};
