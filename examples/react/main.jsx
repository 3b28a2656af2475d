import { createRoot } from "react-dom/client";
import { Samples } from "./samples.jsx";

createRoot(document.getElementById("root")).render(<Samples model="http://localhost:8787/" count={16} />);
