import { loadGenerator } from "imle-edge/embed";
import { useEffect, useRef, useState } from "react";

/** Samples of a model, drawn by the reader's browser, and a button that draws others. */
export function Samples({ model, count }) {
  const [seed, setSeed] = useState(7);
  const [generator, setGenerator] = useState(null);
  const [images, setImages] = useState([]);
  const [problem, setProblem] = useState(null);

  useEffect(() => {
    const loading = new AbortController();
    const loaded = loadGenerator(model, { signal: loading.signal });
    loaded.then(setGenerator, (error) => loading.signal.aborted || setProblem(error.message));
    return () => {
      loading.abort();
      loaded.then((each) => each.dispose()).catch(() => {});
    };
  }, [model]);

  useEffect(() => {
    const drawing = new AbortController();
    const drawn = generator?.sample({ n: count, seed, signal: drawing.signal });
    drawn?.then(setImages, (error) => drawing.signal.aborted || setProblem(error.message));
    return () => drawing.abort();
  }, [generator, count, seed]);

  if (problem) return <p role="alert">{problem}</p>;
  return (
    <>
      <button type="button" onClick={() => setSeed(seed + 1)}>
        Others than seed {seed}’s
      </button>
      <p>
        {images.map((image, i) => (
          <Sample key={i} image={image} />
        ))}
      </p>
    </>
  );
}

function Sample({ image }) {
  const canvas = useRef(null);
  useEffect(() => canvas.current.getContext("2d").putImageData(image.toImageData(), 0, 0), [image]);
  return (
    <canvas ref={canvas} width={image.width} height={image.height} style={{ imageRendering: "pixelated" }} />
  );
}
