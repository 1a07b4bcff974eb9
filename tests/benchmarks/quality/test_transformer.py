import torch

from benchmarks.quality.transformer import Transformer, TransformerRecipe, train, windows_loss

SMALL = TransformerRecipe(
    layers=2, heads=2, width=16, block=8, batch_size=4, steps=60, warmup=5, peak=1e-2, eval_every=30
)


def test_it_has_the_size_of_the_published_setting() -> None:
    model = Transformer(65, TransformerRecipe())
    # 4 layers of 12 E² and two norms, a last norm, 65 tokens and 64 positions.
    expected = 4 * (12 * 128**2 + 2 * 128) + 128 + (65 + 64) * 128
    assert sum(p.numel() for p in model.parameters()) == expected


def test_a_position_sees_the_past_only() -> None:
    torch.manual_seed(0)
    model = Transformer(7, SMALL)
    tokens = torch.randint(7, (3, 8))
    changed = tokens.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 7
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_the_learning_rate_rises_then_falls_to_its_floor() -> None:
    recipe = TransformerRecipe()
    rates = [recipe.learning_rate(step) for step in range(recipe.steps)]
    assert max(rates) == rates[recipe.warmup] == recipe.peak
    assert rates[: recipe.warmup] == sorted(rates[: recipe.warmup])
    assert rates[recipe.warmup :] == sorted(rates[recipe.warmup :], reverse=True)
    assert abs(rates[-1] - recipe.floor) < 1e-6


def test_every_window_counts_once() -> None:
    torch.manual_seed(0)
    model = Transformer(5, SMALL)
    ids = torch.randint(5, (8 * 6 + 1,))
    with torch.no_grad():
        losses = [
            torch.nn.functional.cross_entropy(
                model(ids[start : start + 8][None])[0], ids[start + 1 : start + 9]
            )
            for start in range(0, 48, 8)
        ]
    torch.testing.assert_close(
        torch.tensor(windows_loss(model, ids, 8, batch_size=4)), torch.stack(losses).mean()
    )


def test_it_learns_what_repeats() -> None:
    ids = torch.arange(600) % 5
    readings = list(train(ids[:400], ids[400:], 5, SMALL, seed=0))
    assert [reading.step for reading in readings] == [30, 60]
    assert readings[0].seconds < readings[1].seconds
    assert readings[-1].loss < 0.2
