import cProfile,pstats,time
from tests.evalharness.verdict.conftest import *
from evalharness.comparing import compare_dataset
def test_x(trial):
    t=time.process_time(); made=trial(rows=60); print("trial cpu",time.process_time()-t)
    compare_dataset(made.workspace,made.dataset)
    t=time.process_time()
    p=cProfile.Profile(); p.enable(); compare_dataset(made.workspace,made.dataset); p.disable()
    print("compare cpu",time.process_time()-t)
    pstats.Stats(p).sort_stats("cumtime").print_stats(28)
