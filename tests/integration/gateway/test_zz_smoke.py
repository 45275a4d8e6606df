import os, sys
from support.gateway import open_gateway
from uuid import uuid4
import time, tracemalloc, resource

async def test_trace(migrated_database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("PROTEA_OTEL_ENABLED","1"); monkeypatch.setenv("PROTEA_OTEL_ENDPOINT","http://127.0.0.1:9")
    async with open_gateway(migrated_database_url, tmp_path) as g:
        r = await g.client.post("/v1/jobs", json={"operation":"ping"})
        print(r.json())
        j=(await g.client.get("/v1/jobs/"+r.json()["id"])).json()
        print("TRACE", j["trace_id"])
        p=(await g.client.get("/v1/jobs/"+str(uuid4()))).json(); print(p)

async def test_big(migrated_database_url, tmp_path):
    import random
    random.seed(1)
    seqs=["".join(random.choices("ACDEFGHIKLMNPQRSTVWY",k=350)) for _ in range(100_000)]
    fasta=("".join(f">P{i} OS=Homo OX=9606\n{s}\n" for i,s in enumerate(seqs))).encode()
    print(len(fasta)/1e6,"MB")
    async with open_gateway(migrated_database_url, tmp_path) as g:
        await g.add_references()
        for k in range(2):
            t=time.time()
            r = await g.client.post("/v1/annotate", files={"file":("a.fa",fasta)})
            print(r.status_code, time.time()-t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1e3)
            if k==0: await g.client.post(f"/v1/jobs/{r.json()['job_id']}/cancel")
        t=time.time()
        r = await g.client.post("/v1/query-sets", files={"file":("a.fa",fasta)}, data={"name":"x"})
        print(r.status_code, time.time()-t)
