let made: Promise<string> | undefined;

/** picture is a landscape, painted here so that no file is needed. */
export function picture(): Promise<string> {
  made ??= paint();
  return made;
}

async function paint(): Promise<string> {
  const canvas = new OffscreenCanvas(640, 400);
  const at = canvas.getContext("2d");
  if (!at) return "";
  const sky = at.createLinearGradient(0, 0, 0, 400);
  sky.addColorStop(0, "#f6c58f");
  sky.addColorStop(1, "#d9746c");
  at.fillStyle = sky;
  at.fillRect(0, 0, 640, 400);
  at.fillStyle = "#fff3d8";
  at.beginPath();
  at.arc(470, 130, 44, 0, 7);
  at.fill();
  ["#8b5a6b", "#5d4460", "#33314f"].forEach((colour, i) => {
    at.fillStyle = colour;
    at.beginPath();
    at.moveTo(0, 400);
    for (let x = 0; x <= 640; x += 8) at.lineTo(x, 230 + i * 55 + Math.sin(x / (60 - i * 9) + i) * 26);
    at.lineTo(640, 400);
    at.fill();
  });
  return URL.createObjectURL(await canvas.convertToBlob());
}
