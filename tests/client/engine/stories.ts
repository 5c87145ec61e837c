/** Stories of engines, all in one village. */
import { storiesIn } from "../../kit/stories.ts";
import { Village } from "./village.ts";

/** As `storiesIn`: registers a test and returns how it gets its stories. */
export const storiesOf = (title: string) => storiesIn(() => Village.make(), title);
