"use strict";
// Shows a subject with truth and one prediction; other files come from disk.
(async () => {
  const scenes = JSON.parse(document.getElementById("scenes").textContent);
  const pick = (id) => document.getElementById(id);
  const place = pick("place");
  const { Niivue, NVImage } = niivue;
  const viewer = new Niivue({
    backColor: [0, 0, 0, 1], crosshairColor: [1, 1, 1, 0.4], crosshairWidth: 0.2,
    dragAndDropEnabled: true, logLevel: "error", multiplanarShowRender: 1,
    isRadiologicalConvention: true, // as in all pictures: the patient's right is on the left
    multiplanarLayout: 2, tileMargin: 4, // a grid: each plane as large as the screen allows
    onLocationChange: (at) => { place.textContent = at.string; },
  });
  const paint = (r, g, b) => ({ R: [0, r], G: [0, g], B: [0, b], A: [0, 255], I: [0, 255] });
  try {
    await viewer.attachToCanvas(pick("canvas"));
  } catch (error) {
    place.textContent = `This browser cannot show volumes (WebGL 2 is missing): ${error.message}`;
    return;
  }
  viewer.setInterpolation(true); // voxels as they are
  const colours = JSON.parse(document.getElementById("colours").textContent);
  for (const name of ["truth", "prediction"]) viewer.addColormap(name, paint(...colours[name]));
  // Of several classes each voxel has the colour of its own; the reference is slid in over it.
  const classes = JSON.parse(document.getElementById("classes").textContent);
  const channel = (at) => [0, ...classes.map((each) => each.colour[at])];
  const table = { R: channel(0), G: channel(1), B: channel(2), A: [0, ...classes.map(() => 255)],
    I: [0, ...classes.map((_, i) => i + 1)], labels: ["", ...classes.map((each) => each.name)] };
  const masks = { cal_min: 0.5, cal_max: 1, trustCalMinMax: false };

  async function show() {
    const scene = scenes[pick("subject").value];
    const wanted = scene.volumes.filter((v) => v.kind !== "prediction" || v.name === pick("prediction").value);
    for (const volume of [...viewer.volumes]) viewer.removeVolume(volume);
    for (const volume of wanted) {
      const options = { base64: volume.data, name: `${volume.name.replaceAll("/", "-")}.nii.gz` };
      if (volume.kind !== "image") {
        Object.assign(options, { opacity: Number(pick(`${volume.kind}-opacity`).value) });
        if (!classes.length) Object.assign(options, masks, { colormap: volume.kind });
      }
      const image = await NVImage.loadFromBase64(options);
      if (volume.kind !== "image" && classes.length) image.setColormapLabel(table);
      viewer.addVolume(image);
    }
    document.body.dataset.shown = wanted.map((v) => v.name).join(" ");
  }
  function choose() {
    const names = scenes[pick("subject").value].volumes.filter((v) => v.kind === "prediction").map((v) => v.name);
    const before = pick("prediction").value;
    pick("prediction").replaceChildren(...names.map((name) => new Option(name, name)));
    if (names.includes(before)) pick("prediction").value = before;
    return show();
  }
  async function open(file, overlay) {
    if (!file) return;
    const options = { file, name: file.name };
    if (overlay) Object.assign(options, masks, { colormap: "prediction", opacity: 0.6 });
    else for (const volume of [...viewer.volumes]) viewer.removeVolume(volume);
    viewer.addVolume(await NVImage.loadFromFile(options));
  }
  pick("subject").replaceChildren(...scenes.map((scene, i) => new Option(scene.title, i)));
  pick("subject").addEventListener("change", choose);
  pick("prediction").addEventListener("change", show);
  for (const [at, id] of [[1, "truth-opacity"], [2, "prediction-opacity"]]) {
    pick(id).addEventListener("input", (event) => {
      if (viewer.volumes.length > at) viewer.setOpacity(at, Number(event.target.value));
    });
  }
  pick("view").addEventListener("change", (event) => viewer.setSliceType(Number(event.target.value)));
  pick("image-file").addEventListener("change", (event) => open(event.target.files[0], false));
  pick("overlay-file").addEventListener("change", (event) => open(event.target.files[0], true));
  await choose();
})();
