// Holt die Kommentare nach.
(async () => {
  const section = document.getElementById("kommentare");
  const data = await (await fetch(section.dataset.api)).json();
  const list = section.querySelector("ol");
  for (const comment of data.comments) {
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = comment.name;
    const text = document.createElement("p");
    text.textContent = comment.text;
    const likes = document.createElement("span");
    likes.className = "likes";
    likes.textContent = `${comment.likes} finden das gut`;
    item.append(name, text, likes);
    list.append(item);
  }
  section.dataset.ready = String(data.comments.length);
})();
