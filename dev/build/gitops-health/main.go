// gitops-health says what GitOps tools make of objects: kstatus, as Flux computes it, and, given a Lua file, the
// health that Argo CD would show.
//
//	gitops-health [health.lua [action.lua...]] < objects as JSON, one after the other
//
// For each object it prints one JSON document. Lua runs as Argo CD runs it: only the libraries base, table and
// package, and a part of os, within one second (util/lua/lua.go of Argo CD).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type answer struct {
	Kstatus string `json:"kstatus"`
	Message string `json:"message"`
	Lua     []any  `json:"lua,omitempty"`
}

func main() {
	if err := run(os.Stdin, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, paths []string) error {
	scripts := make([]string, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		scripts = append(scripts, string(text))
	}
	for decoder := json.NewDecoder(in); ; {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		said, err := look(raw, scripts)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(said); err != nil {
			return err
		}
	}
}

func look(raw []byte, scripts []string) (*answer, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	result, err := status.Compute(object)
	if err != nil {
		return nil, err
	}
	said := &answer{Kstatus: result.Status.String(), Message: result.Message}
	for _, script := range scripts {
		value, err := execute(script, object.Object)
		if err != nil {
			return nil, err
		}
		said.Lua = append(said.Lua, value)
	}
	return said, nil
}

// execute runs a script on an object and returns the table that it returns.
func execute(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, openSafeOs},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	within, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(within)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("expected a table from the script, not %s", state.Get(-1).Type())
	}
	return fromLua(table), nil
}

// openSafeOs has what Argo CD leaves of os: the time.
func openSafeOs(state *lua.LState) int {
	state.SetGlobal(lua.OsLibName, state.SetFuncs(state.NewTable(), map[string]lua.LGFunction{
		"date": func(l *lua.LState) int {
			form := l.OptString(1, "")
			if form != "!%Y-%m-%dT%XZ" {
				l.RaiseError("date of the form %q is not known here", form)
			}
			l.Push(lua.LString(time.Now().UTC().Format(time.RFC3339)))
			return 1
		},
		"time": func(l *lua.LState) int {
			l.Push(lua.LNumber(time.Now().Unix()))
			return 1
		},
	}))
	return 0
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch found := value.(type) {
	case bool:
		return lua.LBool(found)
	case string:
		return lua.LString(found)
	case float64:
		return lua.LNumber(found)
	case int64:
		return lua.LNumber(found)
	case []any:
		list := state.CreateTable(len(found), 0)
		for _, item := range found {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.CreateTable(0, len(found))
		for key, item := range found {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}

func fromLua(value lua.LValue) any {
	switch found := value.(type) {
	case lua.LBool:
		return bool(found)
	case lua.LNumber:
		return float64(found)
	case lua.LString:
		return string(found)
	case *lua.LTable:
		if found.MaxN() > 0 {
			list := make([]any, 0, found.MaxN())
			for index := 1; index <= found.MaxN(); index++ {
				list = append(list, fromLua(found.RawGetInt(index)))
			}
			return list
		}
		table := map[string]any{}
		found.ForEach(func(key, item lua.LValue) { table[key.String()] = fromLua(item) })
		return table
	}
	return nil
}
