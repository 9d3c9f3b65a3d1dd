// A stack of layers, each a row of outputs: what one of them sees, exactly, down to the input.
import { button, choice } from "../shared/controls.js";
import { announcer, controlRow, element, partsOf, status } from "../shared/elements.js";
import { clamp, mathml, withMinus } from "../shared/formulas.js";
import { stage } from "../shared/stage.js";
import { layerDrawing } from "./drawing.js";
import { span, stackName, STACKS } from "./fields.js";
import { veiledPhotograph } from "./photograph.js";
import { measure, middleView, view } from "./stack.js";
import { numbersTable, settingsTable } from "./tables.js";

const part = partsOf("receptive");

/** Say in words what an output sees. */
function describe(gettext, { level, index, first, last, count, pixels, padded, skipped }) {
  if (!pixels.length) {
    return gettext("Output {0} of layer {1} sees nothing but padding.", index, level);
  }
  if (count === 1) {
    return gettext("Output {0} of layer {1} sees input pixel {2} alone.", index, level, first);
  }
  const ends = [withMinus(first), withMinus(last)];
  const sentence = padded
    ? gettext(
      "Output {0} of layer {1} sees input pixels {2} to {3}; {4} of these {5} lie outside, in the padding.",
      index,
      level,
      ...ends,
      padded,
      count,
    )
    : gettext(
      "Output {0} of layer {1} sees input pixels {2} to {3}, {4} in all.",
      index,
      level,
      ...ends,
      count,
    );
  return skipped ? gettext("{0} It skips {1} of them.", sentence, skipped) : sentence;
}

/** The size of a layer's field, as a formula. */
function fieldFormula({ layers, fields }, l) {
  const { kernel, dilation } = layers[l - 1];
  const { size, jump } = fields[l - 1];
  const sum = `${size} + ${dilation} · ( ${kernel} − 1 ) · ${jump} = ${fields[l].size}`;
  return `<math>${mathml(sum)}</math>`;
}

stage("receptive", (body, gettext, folder) => {
  let stack;
  let level; // the layer whose output is looked at
  let x = 9; // the place on the input's axis below it
  let home = Infinity; // the layer to which a mouse that leaves goes back; Infinity is the last
  const position = element("p", { className: "receptive-where" });
  const formula = element("p");
  const warning = status();
  const news = announcer();
  const nameOf = (l) => (l ? gettext("Layer {0}", l) : gettext("Input"));
  const drawing = layerDrawing(gettext, { point, step, leave: () => go(home) });
  const photograph = veiledPhotograph(gettext, folder);
  let loaded; // a promise of the photograph
  const settings = settingsTable(gettext, nameOf, change);
  const numbers = numbersTable(gettext, nameOf);

  function go(newLevel, newX = x) {
    level = Math.min(Math.max(newLevel, 1), stack.counts.length - 1);
    x = newX;
    show();
  }

  function stay() {
    home = level < stack.counts.length - 1 ? level : Infinity;
  }

  function point(pointedLevel, pointedX, pressed) {
    go(pointedLevel || level, pointedX); // along the input, the layer stays
    if (pressed) stay();
  }

  function step(down, right) {
    const last = stack.counts[level] - 1;
    const index = clamp(stack.nearest(level, x) + right, 0, last);
    go(level - down, right ? stack.middle(level, index) : x);
    stay();
  }

  /** Show all that depends on the output that is looked at. */
  function show() {
    const shown = view(stack, level, stack.nearest(level, x));
    drawing.show(shown);
    photograph.show(stack.size, middleView(stack, level), shown);
    position.textContent = level ? describe(gettext, shown) : "";
    news.announce(position.textContent);
    numbers.markChosen(level);
    const l = Math.max(level, 1);
    formula.innerHTML = gettext("Field of layer {0}: {1}", l, fieldFormula(stack, l));
  }

  /** Show all that depends on the layers. */
  function change(newSettings) {
    if (newSettings.size !== stack?.size) loaded = photograph.load(newSettings.size);
    stack = measure(newSettings);
    drawing.build(stack, nameOf);
    numbers.build(stack);
    stacks.control.value = stackName(newSettings) ?? "own";
    warn(stack);
    go(home);
  }

  /** Name the layer whose window does not fit into what it gets. */
  function warn({ counts, layers }) {
    const broken = counts.length;
    settings.markBroken(broken);
    if (broken > layers.length) {
      warning.textContent = "";
      return;
    }
    const layer = layers[broken - 1];
    warning.textContent = gettext(
      "Layer {0} has no output: its window spans {1} places, and there are only {2}, padding included. Take a smaller kernel or more padding.",
      broken,
      span(layer),
      counts.at(-1) + 2 * layer.padding,
    );
  }

  const stacks = choice(
    gettext("Stack of layers"),
    [
      ["two", gettext("Two 3 × 3")],
      ["one", gettext("One 5 × 5")],
      ["strides", gettext("Three of stride 2")],
      ["dilated", gettext("Dilations 1, 2, 4")],
      ["lenet", "LeNet-5"],
      ["vgg", gettext("Start of VGG-16")],
      ["own", gettext("Your own")],
    ],
    "",
    (name) => name in STACKS && settings.fill(STACKS[name]),
  );
  const arrows = part(
    "arrows",
    button("←", () => step(0, -1), gettext("One output to the left")),
    button("↑", () => step(-1, 0), gettext("One layer up")),
    button("↓", () => step(1, 0), gettext("One layer down")),
    button("→", () => step(0, 1), gettext("One output to the right")),
  );
  body.append(
    element(
      "p",
      {},
      gettext(
        "Point at an output of any layer: all that it sees lights up, down to the input. Then change the layers.",
      ),
    ),
    controlRow("", stacks, arrows),
    part("views", drawing.node, position, photograph.node),
    part(
      "tables",
      element("div", {}, settings.table, settings.adder, warning),
      element("div", {}, numbers.table, formula),
    ),
    element(
      "p",
      {},
      gettext(
        "Outputs are counted from 0. Field: input pixels that an output can depend on. Jump: input pixels between the fields of neighbours. Start: centre of the first field; that of the first pixel is 0.5.",
      ),
    ),
    news.node,
  );
  settings.fill(STACKS.dilated);
  return loaded;
});
