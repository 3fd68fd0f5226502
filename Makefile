.PHONY: run dev test check bench
run dev:
	./run
test check bench:
	./run $@
