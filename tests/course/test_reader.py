import pytest

from ppolab.course import ContentError, Course


def test_items_come_in_the_order_of_the_chapter_file(content):
    first, second = Course(content).outline().chapters
    assert not first.written
    assert [(item.kind, item.slug, item.minutes) for item in second.items] == [
        ("lesson", "opening", 7),
        ("challenge", "double", 5),
        ("lesson", "closing", 3),
    ]
    assert second.number_of("closing") == "2.3"


def test_without_an_order_lessons_come_by_file_name_then_challenges(content):
    (content / "chapters/02-second/chapter.yaml").unlink()
    second = Course(content).outline().chapter("second")
    assert [item.slug for item in second.items] == ["opening", "closing", "double"]


def test_a_lesson_that_the_order_forgot_still_appears(content):
    (content / "chapters/02-second/chapter.yaml").write_text("order:\n  - lesson: closing\n")
    second = Course(content).outline().chapter("second")
    assert [item.slug for item in second.items] == ["closing", "opening", "double"]


def test_an_order_that_names_a_missing_lesson_says_which_are_there(content):
    (content / "chapters/02-second/chapter.yaml").write_text("order:\n  - lesson: middle\n")
    with pytest.raises(ContentError, match="lesson: opening, lesson: closing, challenge: double"):
        Course(content).outline()


def test_a_chapter_of_an_unknown_phase_is_refused(content):
    file = content / "course.yaml"
    file.write_text(file.read_text().replace("phase: First steps", "phase: Second steps", 1))
    with pytest.raises(ContentError, match="Known: First steps"):
        Course(content).outline()


def test_the_course_has_twelve_chapters_in_three_phases_with_goals(pytestconfig):
    outline = Course(pytestconfig.rootpath / "content").outline()
    assert len(outline.chapters) == 12
    assert [phase.name for phase in outline.phases] == ["Foundations", "PPO in depth", "Production"]
    assert all(3 <= len(chapter.goals) <= 4 for chapter in outline.chapters)
    assert outline.chapters[3].title == "Meeting PPO"


def test_the_questions_of_a_chapter_are_one_thing_on_the_map(content):
    folder = content / "chapters/02-second/questions"
    folder.mkdir()
    text = "TITLE = 'T'\nMINUTES = 2\ndef generate(rng): return None\n"
    titles = []
    for name in ("01-one.py", "02-two.py"):
        (folder / name).write_text(text)
        (item,) = [i for _, i in Course(content).outline().walk() if i.kind == "questions"]
        titles.append((item.slug, item.title, item.minutes))
    assert titles == [("second", "Quiz: 1 question", 2), ("second", "Quiz: 2 questions", 4)]
