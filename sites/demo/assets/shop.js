// Fills in what changes often: the price, the stock and the reviews.
(async () => {
  const live = document.getElementById("live");
  const answer = await fetch(live.dataset.api);
  const data = await answer.json();
  live.querySelector(".price").textContent = data.price;
  live.querySelector(".stock").textContent = data.stock;
  live.querySelector(".stock").classList.toggle("out", data.stock === "Sold out");
  const list = document.querySelector(".reviews");
  for (const review of data.reviews) {
    const item = document.createElement("li");
    item.className = "review";
    item.dataset.stars = review.stars;
    const author = document.createElement("b");
    author.textContent = review.author;
    const stars = document.createElement("span");
    stars.className = "stars";
    stars.textContent = "★".repeat(review.stars) + "☆".repeat(5 - review.stars);
    const text = document.createElement("p");
    text.textContent = review.text;
    item.append(author, " ", stars, text);
    list.append(item);
  }
  if (data.reviews.length === 0) list.insertAdjacentHTML("afterend", "<p class=small>No reviews yet.</p>");
  document.body.dataset.ready = "true";
})();
