import { createContext, useContext } from "react";
import type { DirectiveBlock, Lesson, LessonLink, PredictBlock } from "./ast";
import type { Stop } from "./stage";

/** What the blocks of a lesson need from the page around them. */
export interface LessonContextValue {
  predictions: Lesson["predictions"];
  /** Send a prediction; rejects with an ApiProblem. The first answer counts. */
  predict: (id: string, option: string) => Promise<void>;
  questionOf: (predictionId: string) => PredictBlock | undefined;
  stopOf: (block: DirectiveBlock) => Stop | undefined;
  /** id of the stop that is current, or null */
  currentStop: string | null;
  /** put a stop's view on the stage and bring the stage into sight */
  showOnStage: (stop: Stop) => void;
  /** a challenge of the chapter, by slug */
  challengeOf: (slug: string) => LessonLink | undefined;
  /** the live run that the learner started here, or null */
  liveRunId: string | null;
}

export const LessonContext = createContext<LessonContextValue | null>(null);

/** The lesson around a block; null where blocks stand elsewhere, as in a challenge's text. */
export function useLesson(): LessonContextValue | null {
  return useContext(LessonContext);
}
