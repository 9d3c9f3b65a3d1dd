// A site that was built without an address: where its page is opened tells where its wheel lies.
"use strict";

(() => {
  for (const block of document.querySelectorAll("[data-wheel]")) {
    const { page, wheel } = block.dataset;
    const [here] = location.href.split(/[?#]/);
    // a server of one edition alone does not have what lies beside the editions
    if (!here.endsWith(`/${page}`)) continue;
    const site = here.slice(0, -page.length);
    const code = block.querySelector("pre");
    code.textContent = code.textContent.replace(
      /(pip install )"\.(\[[a-z,]+\])?"(.*?)\s+# .*/g,
      (_line, install, extras, options) =>
        `${install}"cnnguide${extras ?? ""} @ ${site}${wheel}"${options}`,
    );
  }
})();
