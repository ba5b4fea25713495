"""What docs/adding-a-loss.md tells is all that it takes."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
USES_IT = """
from support.engine import column, job, run
spec = job(loss={"kind": "pearson"}, regularizers=[{"kind": "r1"}])
print(",".join(spec.metric_names))
events = run(spec)
assert abs(float(column(events, "d_loss")[0])) < 0.5
assert len(column(events, "r1_penalty")) == 20
from worker.gan.data import load
import torch
catalogue.LOSSES["pearson"] = replace(catalogue.LOSSES["pearson"], paired=True)
data = load(spec, torch.device("cpu"))
assert not torch.equal(data.batch(0, 1), data.batch(1, 0)), "a paired loss has a real batch of its own"
"""


def test_a_loss_is_added_as_the_document_says() -> None:
    entry, function = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "adding-a-loss.md").read_text(), re.DOTALL)
    assert len((entry + function).splitlines()) <= 10
    code = "\n".join(
        [
            "from dataclasses import replace",
            "import models.catalogue as catalogue",
            "from models.catalogue import LossFacts",
            f"catalogue.LOSSES |= {{{entry}}}",
            "import worker.gan.losses as losses",
            "from worker.gan.losses import AdversarialLoss, mean_logit_generator_loss",
            f"losses.LOSSES |= {{{function}}}",
            USES_IT,
        ]
    )
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
    done = subprocess.run([sys.executable, "-c", paths + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    recorded = done.stdout.strip().split(",")
    assert "d_real" not in recorded
    assert "total_loss" not in recorded
    assert "r1_penalty" in recorded
