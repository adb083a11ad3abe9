/** Names for the parts of a lesson's text, as the server sends it. */

import type { components } from "../api/schema";

type Schemas = components["schemas"];

export type Lesson = Schemas["Lesson"];
export type Prediction = Schemas["Prediction"];
export type Block = Lesson["blocks"][number];
export type Inline = Schemas["ParagraphBlock"]["children"][number];
export type DirectiveBlock = Schemas["DirectiveBlock"];
export type PredictBlock = Schemas["PredictBlock"];
export type CourseMap = Schemas["CourseMap"];
export type LessonLink = Schemas["LessonLink"];
export type ChapterLink = Schemas["ChapterLink"];

/** The text of inlines without their form: for names of things and for tests. */
export function plainText(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      switch (inline.type) {
        case "text":
        case "code":
          return inline.text;
        case "math":
          return inline.tex;
        case "break":
          return " ";
        default:
          return plainText(inline.children);
      }
    })
    .join("");
}
