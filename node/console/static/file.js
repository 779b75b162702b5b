/* Puts a chosen file into the text field that it is for; without this the text can be pasted there. */
document.addEventListener("change", async (event) => {
  const into = event.target.dataset && event.target.dataset.into;
  if (into && event.target.files.length) {
    document.getElementById(into).value = await event.target.files[0].text();
  }
});
