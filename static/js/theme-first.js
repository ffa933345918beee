/* Sets the chosen theme before the first paint; a classic script in <head>, because modules run too late. */
(function () {
  try {
    var choice = localStorage.getItem("dcp-theme");
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
    if (choice === "system") delete document.documentElement.dataset.theme;
  } catch (error) { /* storage refused: the system decides */ }
})();
