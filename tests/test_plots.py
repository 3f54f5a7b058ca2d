import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from ecg_lessons import beat_length, make_beats, make_record, plots
from ecg_lessons.metrics import reliability_table


@pytest.fixture(autouse=True)
def figures():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_ecg_paper_has_square_millimetres():
    _, ax = plots.make_axes()
    plots.draw_ecg_paper(ax, (0, 2), (-1, 2))
    assert ax.get_aspect() == 0.4  # 0.1 mV is as high as 0.04 s is wide
    ruled = [len(lines.get_segments()) for lines in ax.collections]
    assert ruled == [51, 31, 11, 7]  # every 0.04 s and 0.1 mV, and every fifth of them


def test_a_record_is_drawn_with_its_annotations_and_says_that_it_is_simulated():
    record, annotation = make_record("100", minutes=0.2)
    _, ax = plots.make_axes()
    plots.plot_record(ax, record, annotation, start=1, seconds=5)
    inside = (annotation.sample >= 360) & (annotation.sample < 6 * 360)
    assert texts(ax)[:-1] == np.array(annotation.symbol)[inside].tolist()
    assert texts(ax)[-1] == "simulated"


def test_beats_are_drawn_without_their_padding():
    beats = make_beats(5)
    _, ax = plots.make_axes()
    plots.plot_beats(ax, beats)
    assert [len(line.get_xdata()) for line in ax.lines] == beat_length(beats.signals).tolist()
    assert "simulated" in texts(ax)


def test_beats_are_drawn_in_the_colour_that_was_asked_for():
    _, ax = plots.make_axes()
    plots.plot_beats(ax, make_beats(2), np.array([0.2, 0.4, 0.6, 1.0]), lw=3)  # of a colour map, say
    assert all(line.get_color() == pytest.approx([0.2, 0.4, 0.6, 1.0]) for line in ax.lines)
    assert {line.get_linewidth() for line in ax.lines} == {3}


def test_every_figure_says_simulated_where_all_data_is(monkeypatch):
    assert plots.make_axes()[0].texts == []
    monkeypatch.setenv("ECG_LESSONS_SOURCE", "simulated")
    assert [text.get_text() for text in plots.make_axes(2, 2)[0].texts] == ["simulated"]


def test_only_simulated_data_is_labelled():
    _, ax = plots.make_axes()
    assert texts(plots.draw_source_note(ax, "physionet")) == []


def test_a_beats_length_ends_at_its_last_sample_above_zero():
    rows = np.zeros((2, 187))
    rows[0, :50] = rows[1, :187] = 0.5
    assert beat_length(rows).tolist() == [50, 187]
    assert beat_length(rows[0]) == 50
    assert beat_length(np.zeros(187)) == 0


def test_a_stretch_that_the_record_does_not_have_is_refused():
    record, annotation = make_record("100", minutes=0.2)
    _, ax = plots.make_axes()
    for start in (-1, 11):
        with pytest.raises(ValueError, match="has no seconds"):
            plots.plot_record(ax, record, annotation, start=start, seconds=5)


def test_the_palette_names_every_class_in_its_own_colour():
    assert len(set(plots.PALETTE.values())) == 5


def test_a_confusion_matrix_counts_every_beat_in_its_row():
    labels, predicted = np.array([0, 0, 0, 1, 4]), np.array([0, 0, 1, 1, 0])
    ax = plots.plot_confusion(plots.make_axes()[1], labels, predicted)
    numbers = np.array([int(text.get_text()) for text in ax.texts]).reshape(5, 5)
    assert numbers.sum() == 5 and numbers[0].tolist() == [2, 1, 0, 0, 0] and numbers[4, 0] == 1
    assert ax.get_xlabel() == "called" and [t.get_text() for t in ax.get_yticklabels()] == list("NSVFQ")


def test_precision_recall_curves_name_the_classes_that_occur_with_their_area():
    labels = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]])
    ax = plots.plot_pr(plots.make_axes()[1], labels, np.pad(probabilities, ((0, 0), (0, 3))))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["N  1.00", "S  1.00"]
    assert 0.25 in [line.get_ydata()[0] for line in ax.lines]  # the prevalence of S


def test_a_confusion_matrix_in_per_cent_sums_to_100_in_each_row():
    labels, predicted = np.array([0, 0, 0, 1, 4]), np.array([0, 0, 1, 1, 0])
    ax = plots.plot_confusion(plots.make_axes()[1], labels, predicted, percent=True)
    numbers = np.array([float(text.get_text()) for text in ax.texts]).reshape(5, 5)
    assert numbers[0].tolist() == [66.7, 33.3, 0, 0, 0] and numbers.sum(1).tolist() == [100, 100, 0, 0, 100]


def test_roc_curves_name_their_areas():
    labels = np.array([0, 0, 0, 1])
    probabilities = np.pad([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]], ((0, 0), (0, 3)))
    ax = plots.plot_roc(plots.make_axes()[1], labels, probabilities)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["N  0.667", "S  0.667"]


def test_reliability_dots_lie_at_confidence_and_accuracy():
    probabilities = np.array([[0.75, 0.25, 0, 0, 0]] * 4)
    table = reliability_table(np.array([0, 0, 0, 1]), probabilities, bins=10)
    ax = plots.plot_reliability(plots.make_axes()[1], table)
    assert ax.collections[0].get_offsets().tolist() == [[0.75, 0.75]]


def test_patients_are_dots_at_their_own_sensitivity():
    labels, patients = np.repeat([0, 1], [30, 15]), np.repeat(["a", "b", "a", "c"], [20, 10, 12, 3])
    predicted = labels.copy()
    predicted[20:25] = 1
    ax = plots.plot_by_patient(plots.make_axes()[1], labels, predicted, patients)
    of_n, of_s = (dots.get_offsets()[:, 1].tolist() for dots in ax.collections)
    assert of_n == [1.0, 0.5] and of_s == [1.0]  # c has too few
    bars = [line.get_ydata()[0] for line in ax.lines]
    assert bars == pytest.approx([25 / 30, 1])


def test_saliency_colours_every_stretch_of_the_beat():
    ax = plots.plot_saliency(plots.make_axes()[1], np.zeros(187), np.linspace(-1, 2, 187))
    pieces = ax.collections[0]
    assert len(pieces.get_segments()) == 186 and pieces.get_clim() == (-2, 2)


def test_lines_of_equal_f1_are_what_they_say():
    ax = plots.make_axes()[1]
    ax.set(xlim=(0.2, 1), ylim=(0.1, 1))
    plots.draw_f1_lines(ax, levels=(0.5, 0.8))
    for line, level in zip(ax.lines, (0.5, 0.8)):
        x, y = line.get_xdata(), line.get_ydata()
        np.testing.assert_allclose(2 * x * y / (x + y), level)
    assert ax.get_xlim() == (0.2, 1)


def test_a_history_shows_training_and_validation_by_epoch():
    ax = plots.plot_history(plots.make_axes()[1], {"loss": [3, 2, 1], "val_loss": [3, 2.5, 2.4]})
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert ax.lines[1].get_xdata().tolist() == [1, 2, 3]
    assert len(plots.plot_history(plots.make_axes()[1], {"loss": [3, 2]}).lines) == 1


def test_a_tensor_lies_below_its_beat_on_the_same_seconds():
    pair = plots.plot_tensor(plots.make_axes(2)[1], np.zeros(187), np.random.rand(47, 32), (0.1, 0.2))
    assert pair[0].get_xlim() == pytest.approx((0, 187 / 120))
    assert pair[1].images[0].get_extent() == pytest.approx((0, 187 / 120, 32, 0))
    short = plots.plot_tensor(plots.make_axes(2)[1], np.zeros(187), np.random.rand(11, 64), step=16)
    assert short[1].images[0].get_extent() == pytest.approx((0, 11 * 16 / 120, 64, 0))
    assert short[1].get_xlim() == pytest.approx((0, 187 / 120))
