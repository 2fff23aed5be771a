import pytest, time
from tests.train.test_proofs_trained import *
from tests.train.test_proofs_trained import quick as quick
import sys
@pytest.mark.parametrize("word",["method=dora","method=vera","method=adalora","method=prompt","method=prefix","method=full","objective=dpo","objective=kto","objective=orpo","objective=reward"])
def test_x(base,tmp_path,word,pairs):
    ps = "objective" in word
    w=[word, "quantization="+("none" if "full" in word else "nf4"), "accumulate=1"]
    from train.recipe import PACE
    pace=1
    for k in word.split("=")[1:]: pace*=PACE.get(k,1)
    w.append(f"learning_rate={5e-3*pace}")
    from tests.train import test_proofs as tp
    given=given_of("tiny" if "TINY" in __import__("os").environ else base, pairs if ps else EXAMPLES, *w)
    t=time.process_time()
    trial=trial_of(given,tmp_path)
    try: found=proofs.prove(given,tmp_path,trial.load)
    except ResourceError as e: print("\nFAILED",word,e.message); return
    print("\n",word,round(time.process_time()-t,1)); 
    for f in found: print("   ",f.key,getattr(f,"seconds",""),f.line()[:230])
