// The page is complete: a document that loads for each visit begins with it at once.
"use strict";

document.getElementById("next").addEventListener("click", cycle);
document.documentElement.dataset.ready = "";
if ("load" in given) cycle();
